"""Account webhooks. Administrators only."""

from typing import Any

from flask import Blueprint, Response

from sandbox.api.access import answer, nothing, only_administrators, params, standin
from sandbox.world import Json, Webhook

blueprint = Blueprint("webhooks", __name__)
blueprint.before_request(only_administrators)


def _shown(webhook: Webhook) -> Json:
    body: Json = {
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "account_id": standin().world.account.id,
        "subscriptions": webhook.subscriptions,
    }
    if webhook.inbox_id is not None:
        inbox = standin().setup.inbox(webhook.inbox_id)
        body["inbox"] = {"id": inbox.id, "name": inbox.name}
    return body | {"secret": webhook.secret} if standin().world.version.signs_account_webhooks else body


def _params() -> Json:
    """With or without the wrapping `webhook`. A secret cannot be chosen here."""
    given = params()
    wrapped: Any = given.get("webhook", given)
    return {key: value for key, value in wrapped.items() if key != "secret"}


@blueprint.get("/webhooks")
def index() -> Response:
    shown = [_shown(webhook) for webhook in standin().world.webhooks.values()]
    return answer({"payload": {"webhooks": shown}})


@blueprint.post("/webhooks")
def create() -> Response:
    return answer({"payload": {"webhook": _shown(standin().setup.add_webhook(_params()))}})


@blueprint.patch("/webhooks/<webhook_id>")
def update(webhook_id: str) -> Response:
    webhook = standin().setup.webhook(webhook_id)
    standin().setup.update_webhook(webhook, _params())
    return answer({"payload": {"webhook": _shown(webhook)}})


@blueprint.delete("/webhooks/<webhook_id>")
def destroy(webhook_id: str) -> Response:
    del standin().world.webhooks[standin().setup.webhook(webhook_id).id]
    return nothing()
