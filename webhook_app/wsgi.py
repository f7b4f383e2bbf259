"""What gunicorn serves: `gunicorn webhook_app.wsgi:app`. Reads the environment."""

import os

from celery import current_app

from settings import Settings
from tasks import logs, wiring
from webhook_app import create_app

logs.configure()
# Chatwoot waits for 5 s, and for a bot's webhook not twice. A doorbell that cannot be rung now is rung by the watchdog.
current_app.conf.task_publish_retry = False
current_app.conf.broker_transport_options |= {"socket_timeout": 1.5, "socket_connect_timeout": 1}
app = create_app(Settings.from_env(os.environ))
# At the first request: gunicorn may have forked until then.
app.before_request(wiring.bookkeeper().start)
