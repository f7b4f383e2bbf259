"""The REST API: one blueprint for each resource, and who may call what (`access`)."""

from flask import Flask

from sandbox.api import (
    access,
    agent_bots,
    assignments,
    contacts,
    conversation_lists,
    conversations,
    files,
    help_centers,
    inboxes,
    labels,
    messages,
    server_info,
    team,
    webhooks,
)

_ACCOUNT = "/api/v1/accounts/<account_id>"


def register(app: Flask) -> None:
    access.guard(app)
    for module in (agent_bots, contacts, conversation_lists, conversations, inboxes, messages, labels, webhooks):
        app.register_blueprint(module.blueprint, url_prefix=_ACCOUNT)
    app.register_blueprint(assignments.blueprint, url_prefix=_ACCOUNT)
    app.register_blueprint(team.blueprint, url_prefix=_ACCOUNT)
    app.register_blueprint(server_info.blueprint)
    app.register_blueprint(files.blueprint)
    app.register_blueprint(help_centers.blueprint)
