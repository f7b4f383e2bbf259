FLASK_APP=webhook_app.wsgi
