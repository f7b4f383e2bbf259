"""What gunicorn serves: `gunicorn webhook_app.wsgi:app`. Reads the environment."""

import settings
from tasks.celery import app as app_of_tasks
from tasks.runtime import logs
from webhook_app import create_app

logs.configure()
# Chatwoot hangs up after 5 s, and sends again only what was answered. A doorbell that cannot be rung now is rung by the
# watchdog.
app_of_tasks.conf.task_publish_retry = False
app_of_tasks.conf.broker_pool_acquire_timeout = 0.7
app_of_tasks.conf.broker_connection_timeout = 0.7
app_of_tasks.conf.broker_transport_options |= {
    "socket_timeout": 0.7,
    "socket_connect_timeout": 0.7,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
}
app = create_app(settings.of_this_process())
# At the first request: gunicorn may have forked until then.
app.before_request(app.extensions["wiring"].counter_flusher.start)
