"""Finding contacts: search (substring) and filter (exact)."""

from sandbox import errors
from sandbox.world import Contact, Json, World

PER_PAGE = 15
_FILTERABLE = (
    "name",
    "phone_number",
    "email",
    "identifier",
    "country_code",
    "city",
    "company_name",
    "labels",
    "created_at",
    "last_activity_at",
    "blocked",
)


def search(world: World, q: str) -> list[Contact]:
    """Contacts whose name, e-mail or phone holds `q` in whatever case, or whose identifier holds it as it is."""
    needle = q.strip().lower()
    return [contact for contact in newest_first(world) if _holds(contact, needle, q.strip())]


def _holds(contact: Contact, needle: str, exact: str) -> bool:
    texts = (contact.name, contact.email, contact.phone_number)
    return any(needle in (text or "").lower() for text in texts) or exact in (contact.identifier or "")


def page_of(contacts: list[Contact], page: int) -> list[Contact]:
    start = (max(page, 1) - 1) * PER_PAGE
    return contacts[start : start + PER_PAGE]


def resolved(world: World) -> list[Contact]:
    """Those with an address; lists and filters show no others."""
    return [c for c in newest_first(world) if c.email or c.phone_number or c.identifier]


def newest_first(world: World) -> list[Contact]:
    return sorted(world.contacts.values(), key=lambda contact: contact.id, reverse=True)


def filtered(world: World, conditions: list[Json]) -> list[Contact]:
    for condition in conditions:
        _check(str(condition.get("attribute_key")))
    return [contact for contact in resolved(world) if _meets_all(contact, conditions)]


def _check(key: str) -> None:
    if key not in _FILTERABLE:
        allowed = ",".join(_FILTERABLE)
        raise errors.unprocessable(
            f"Invalid attribute key - [{key}]. The key should be one of [{allowed}] "
            "or a custom attribute defined in the account."
        )


def _meets_all(contact: Contact, conditions: list[Json]) -> bool:
    meets = True
    operator = "and"
    for condition in conditions:
        this = _meets(contact, condition)
        meets = meets or this if operator == "or" else meets and this
        operator = str(condition.get("query_operator") or "and").lower()
    return meets


def _meets(contact: Contact, condition: Json) -> bool:
    key = condition["attribute_key"]
    actual = getattr(contact, key, None)
    wanted = [_with_plus(value) if key == "phone_number" else value for value in condition.get("values") or []]
    match condition.get("filter_operator"):
        case "equal_to":
            return actual in wanted
        case "not_equal_to":
            return actual not in wanted
        case "contains":
            return any(str(value).lower() in str(actual or "").lower() for value in wanted)
        case "does_not_contain":
            return all(str(value).lower() not in str(actual or "").lower() for value in wanted)
        case "is_present":
            return bool(actual)
        case "is_not_present":
            return not actual
        case _:
            raise errors.unprocessable("Invalid filter operator")


def _with_plus(phone_number: str) -> str:
    return f"+{str(phone_number).removeprefix('+')}"
