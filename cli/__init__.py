"""What an operator types, such as `flask doctor` or `flask dead-letters`; what a developer does: `flask chat`.

Decides nothing itself.

`flask` finds it by FLASK_APP in .flaskenv.
"""

from __future__ import annotations

from flask import Flask

import tasks.celery  # noqa: F401 - the app over which doorbells ring
from cli.chat import chat
from cli.dead_letters import dead_letters
from cli.doctor import doctor
from cli.forget import forget
from cli.provision import provision
from cli.restored import restored
from tasks.runtime import logs


def create_app() -> Flask:
    """What the `flask` command opens: our commands, and no web pages."""
    logs.configure()
    app = Flask(__name__)
    app.cli.add_command(chat)
    app.cli.add_command(dead_letters)
    app.cli.add_command(doctor)
    app.cli.add_command(forget)
    app.cli.add_command(provision)
    app.cli.add_command(restored)
    return app
