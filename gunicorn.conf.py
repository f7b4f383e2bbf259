"""How gunicorn serves the webhooks; address and number of workers are said in Procfile and compose.yaml."""

# A request waits for Redis and nothing else, so threads are enough and cheap; one that has not come in yet has none.
worker_class = "webhook_app.server.WebWorker"
# More than are ever at work at once, unless Redis hangs: then none waits for another one's time to run out.
threads = 64

# Chatwoot hangs up after 5 s: a worker that was silent for 30 s is stuck.
timeout = 30
# A webhook takes milliseconds; whoever is longer in a restart is cut off, and found by tasks.reconcile.
graceful_timeout = 10

# The workers' heartbeat file: in memory, or a slow disk looks like a stuck worker.
worker_tmp_dir = "/dev/shm"

# A socket to steer it by, in the home folder: supervisor and compose steer, and a container has no such folder.
control_socket_disable = True

# One line per request is the application's to write, with its ids.
accesslog = None


def post_worker_init(worker):
    """In each process, once it can serve."""
    worker.wsgi.extensions["heartbeat"].start()


def on_starting(server):
    """In the parent, once: a process that cannot serve says so in a sentence and ends, rather than again and again."""
    import settings
    from tasks.runtime import logs
    from tasks.runtime.requirements import RequirementsNotMet
    from tasks.wiring import Wiring

    logs.configure()
    try:
        Wiring(settings.of_this_process(), redis_patience_s=1.5).check_redis()
    except (settings.SettingsError, RequirementsNotMet) as error:
        raise SystemExit(f"cannot start: {error}") from None
