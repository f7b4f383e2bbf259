"""Contacts: find, create, change, merge, and their conversations and inboxes."""

from flask import Blueprint, Response, request

from sandbox import contact_queries
from sandbox.api.access import answer, may_see, nothing, only_administrators, page, params, standin
from sandbox.bodies import inboxes, people, rest
from sandbox.world import Contact, Json

blueprint = Blueprint("contacts", __name__)

_CONVERSATIONS_AT_MOST = 20


@blueprint.get("/contacts")
def index() -> Response:
    """With `labels[]`: those that have any of them."""
    labels = request.args.getlist("labels[]")
    found = [c for c in contact_queries.resolved(standin().world) if not labels or set(labels) & set(c.labels)]
    meta = {"count": len(found), "current_page": page()}
    return answer({"meta": meta, "payload": _page(found)})


@blueprint.get("/contacts/search")
def search() -> Response:
    q = request.args.get("q")
    if not q:
        return answer({"meta": {"count": None, "current_page": 1, "has_more": None}, "payload": []})
    found = contact_queries.search(standin().world, q)
    shown = _page(found)
    # The page comes back as it was given: a number by default, a string if asked for.
    meta: Json = {"count": len(shown), "current_page": request.args.get("page", 1)}
    if standin().world.version.search_counts_one_page:
        meta["has_more"] = len(found) > page() * contact_queries.PER_PAGE
    else:
        meta["count"] = len(found)
    return answer({"meta": meta, "payload": shown})


@blueprint.post("/contacts/filter")
def filter_contacts() -> Response:
    found = contact_queries.filtered(standin().world, params().get("payload") or [])
    meta = {"count": len(found), "current_page": page()}
    return answer({"meta": meta, "payload": _page(found)})


def _page(found: list[Contact]) -> list[Json]:
    shown = contact_queries.page_of(found, page())
    if request.args.get("include_contact_inboxes") == "false":
        return [people.contact_in_rest(contact) for contact in shown]
    return [people.contact_with_addresses(standin().world, contact) for contact in shown]


@blueprint.post("/contacts")
def create() -> Response:
    given = params()
    inbox = standin().setup.inbox(given["inbox_id"]) if given.get("inbox_id") else None
    contact = standin().contacts.create(given)
    reached: Json = {"inbox": None, "source_id": None}
    if inbox is not None:
        link = standin().contacts.address(contact, inbox, given.get("source_id"))
        reached = {"inbox": inboxes.row(inbox, standin().world.account), "source_id": link.source_id}
    shown = people.contact_with_addresses(standin().world, contact)
    return answer({"payload": {"contact": shown, "contact_inbox": reached}})


@blueprint.get("/contacts/<contact_id>")
def show(contact_id: str) -> Response:
    contact = standin().contacts.find(contact_id)
    return answer({"payload": people.contact_with_addresses(standin().world, contact)})


@blueprint.route("/contacts/<contact_id>", methods=["PUT", "PATCH"])
def update(contact_id: str) -> Response:
    contact = standin().contacts.find(contact_id)
    standin().contacts.update(contact, params())
    return answer({"payload": people.contact_with_addresses(standin().world, contact)})


@blueprint.delete("/contacts/<contact_id>")
def destroy(contact_id: str) -> Response:
    only_administrators()
    standin().contacts.delete(standin().contacts.find(contact_id))
    return nothing()


@blueprint.get("/contacts/<contact_id>/conversations")
def conversations(contact_id: str) -> Response:
    """Newest activity first, 20 at most, of the inboxes that the caller may see."""
    world = standin().world
    found = world.conversations_of(standin().contacts.find(contact_id))
    seen = [each for each in found if may_see(world.inbox_of(each))]
    seen.sort(key=lambda each: each.last_activity_at, reverse=True)
    return answer({"payload": [rest.conversation(world, each) for each in seen[:_CONVERSATIONS_AT_MOST]]})


@blueprint.get("/contacts/<contact_id>/contactable_inboxes")
def contactable_inboxes(contact_id: str) -> Response:
    reachable = standin().contacts.contactable(standin().contacts.find(contact_id))
    shown = [people.address(inbox, source_id) for inbox, source_id in reachable if may_see(inbox)]
    return answer({"payload": shown})


@blueprint.post("/contacts/<contact_id>/contact_inboxes")
def create_contact_inbox(contact_id: str) -> Response:
    contact = standin().contacts.find(contact_id)
    given = params()
    inbox = standin().setup.inbox(given.get("inbox_id"))
    link = standin().contacts.address(contact, inbox, given.get("source_id"))
    return answer(people.address(inbox, link.source_id))


@blueprint.post("/actions/contact_merge")
def merge() -> Response:
    given = params()
    base = standin().contacts.find(given.get("base_contact_id"))
    standin().contacts.merge(base, standin().contacts.find(given.get("mergee_contact_id")))
    return answer(people.contact_in_rest(base))
