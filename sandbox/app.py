"""The Flask app: Chatwoot's API, the stand-in's own controls, and the chat page."""

from flask import Flask

from sandbox import api, control
from sandbox.gate import Gate
from sandbox.page import views as page
from sandbox.standin import StandIn


def create_app(standin: StandIn) -> Flask:
    app = Flask("sandbox", static_folder=None)
    app.url_map.strict_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.mimetype = "application/json; charset=utf-8"  # type: ignore[attr-defined]
    app.extensions["standin"] = standin
    api.register(app)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(page.blueprint)
    app.wsgi_app = Gate(app.wsgi_app, standin)  # type: ignore[method-assign]
    return app
