"""What gunicorn serves: `gunicorn webhook_app.wsgi:app`. Reads the environment."""

import os

from settings import Settings
from tasks import logs, wiring
from webhook_app import create_app

logs.configure()
app = create_app(Settings.from_env(os.environ))
# At the first request: gunicorn may have forked until then.
app.before_request(wiring.bookkeeper().start)
