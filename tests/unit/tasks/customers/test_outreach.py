"""Finding or making a conversation, where Chatwoot answers as it seldom does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from chatwoot.client import Client
from chatwoot.errors import OutcomeUnknown, TransientError
from tasks.customers.claims import Busy, Claim, Placement
from tasks.customers.outreach import FirstMessage, Outreach, Undeliverable
from tasks.mailbox import DeadLetterRecord
from tasks.records import actions
from tasks.records.actions import PostMessage
from tasks.records.arguments import InvalidArguments

PHONE = "+34623226544"
MESSAGE = FirstMessage(phone_number=PHONE, content="Hola", key="a key", inbox_id=4)
TAKEN = (422, {"message": "Phone number has already been taken", "attributes": ["phone_number"]})
CONTACT = {"id": 7, "phone_number": PHONE, "contact_inboxes": [{"source_id": "34623226544", "inbox": {"id": 4}}]}
NOBODY, FOUND = (200, {"payload": []}), (200, {"payload": [CONTACT]})
WHATSAPP = (200, {"id": 4, "channel_type": "Channel::Whatsapp"})
API = (200, {"id": 4, "channel_type": "Channel::Api"})
HTML = (404, "<html>")
GONE = (404, {"error": "Resource could not be found"})

Answer = tuple[int, Any]


def conversation(id: int = 9, **values: Any) -> dict[str, Any]:
    return {"id": id, "inbox_id": 4, "status": "pending", "can_reply": True, **values}


class Script:
    """Answers each path with what was written for it, one after the other; the last one again and again."""

    def __init__(self, **answers: list[Answer]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = "_".join(word for word in request.url.path.split("/")[5:] if not word.isdecimal())
        self.asked.append(f"{request.method} {name}")
        answers = self.answers[name]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)


class Alone:
    """Recipients that nobody else writes to."""

    def __init__(self, age_s: float = 0, *, lost: bool = False) -> None:
        self.age_s = age_s
        self.lost = lost
        self.placed: list[Placement] = []
        self.let_go_of = 0
        self.forgotten = 0

    def claim(self, phone_number: str, message: str) -> Claim | Placement:
        return self.placed[0] if self.placed else Claim(phone_number, message, "a token", self.age_s)

    def renew(self, claim: Claim) -> None:
        if self.lost:
            raise Busy(1)

    def place(self, claim: Claim, place: Placement) -> Placement:
        self.placed.append(place)
        return place

    def let_go(self, claim: Claim) -> None:
        self.let_go_of += 1

    def forget_message(self, claim: Claim) -> None:
        self.age_s = 0
        self.forgotten += 1


class Nobodys:
    """An index that nobody looks into."""

    def add(self, conversation_id: int, **whose: object) -> None: ...


class Box:
    """What was put into mailboxes."""

    def __init__(self) -> None:
        self.posts: list[PostMessage] = []
        self.letters: list[DeadLetterRecord] = []

    def enqueue(self, conversation_id: int, key: str, action: str) -> None:
        post = actions.load(action)
        assert isinstance(post, PostMessage)
        self.posts.append(post)

    def keep_dead_letter(self, conversation_id: int, letter: DeadLetterRecord) -> bool:
        self.letters.append(letter)
        return True

    @property
    def reasons(self) -> list[str]:
        return [json.loads(letter.record)["reason"] for letter in self.letters]


Scene = Callable[..., tuple[Outreach, Script, Box]]


@pytest.fixture
def scene() -> Iterator[Scene]:
    clients: list[Client] = []

    def make(claims: Alone | None = None, **answers: list[Answer]) -> tuple[Outreach, Script, Box]:
        script = Script(**answers)
        clients.append(Client("http://chatwoot.test", 1, "a-token", transport=httpx.MockTransport(script)))
        box = Box()
        outreach = Outreach(
            client=clients[-1],
            mailbox=box,  # type: ignore[arg-type]
            claims=claims or Alone(),  # type: ignore[arg-type]
            index=Nobodys(),  # type: ignore[arg-type]
            most_retry_s=60,
        )
        return outreach, script, box

    yield make
    for client in clients:
        client.close()


def test_somebody_else_makes_the_contact_meanwhile(scene: Scene) -> None:
    outreach, script, box = scene(
        contacts_filter=[NOBODY, FOUND], inboxes=[API], contacts=[TAKEN], conversations=[(200, conversation())]
    )
    assert outreach.write(MESSAGE) == 9
    assert script.asked == [
        "POST contacts_filter",
        "GET inboxes",
        "POST contacts",
        "POST contacts_filter",
        "POST conversations",
    ]
    assert [post.content for post in box.posts] == ["Hola"]


def test_it_is_taken_and_not_to_be_found_yet(scene: Scene) -> None:
    outreach, _, box = scene(contacts_filter=[NOBODY], inboxes=[API], contacts=[TAKEN])
    with pytest.raises(TransientError, match="not found yet"):
        outreach.write(MESSAGE)
    assert box.reasons == []


def test_another_worker_has_taken_over(scene: Scene) -> None:
    """This one was slow: nothing is made by it any more."""
    outreach, script, _ = scene(Alone(lost=True), contacts_filter=[NOBODY], inboxes=[API])
    with pytest.raises(Busy):
        outreach.write(MESSAGE)
    assert "POST contacts" not in script.asked


def test_a_server_that_tells_nothing_of_inboxes(scene: Scene) -> None:
    """What the conversation says decides then."""
    answers = {"contacts_filter": [FOUND], "contacts_conversations": [NOBODY], "inboxes": [HTML]}
    outreach, _, box = scene(**answers, conversations=[(200, conversation())])
    assert outreach.write(MESSAGE) == 9
    outreach, _, box = scene(**answers, conversations=[(200, conversation(can_reply=False))])
    with pytest.raises(Undeliverable, match="24-hour window"):
        outreach.write(MESSAGE)
    assert box.posts == []


@pytest.mark.parametrize("can_reply", [True, False])
def test_a_single_conversation_inbox_of_whatsapp(scene: Scene, can_reply: bool) -> None:
    """The old conversation comes back, and its window may be open still."""
    old = conversation(status="resolved", can_reply=can_reply)
    outreach, script, _ = scene(
        contacts_filter=[FOUND],
        contacts_conversations=[(200, {"payload": [old]})],
        inboxes=[(200, WHATSAPP[1] | {"lock_to_single_conversation": True})],
        conversations=[(200, old)],
    )
    if can_reply:
        assert outreach.write(MESSAGE) == 9
    else:
        with pytest.raises(Undeliverable, match="24-hour window"):
            outreach.write(MESSAGE)
        assert "POST conversations" not in script.asked


def test_an_inbox_is_asked_for_once(scene: Scene) -> None:
    outreach, script, _ = scene(
        contacts_filter=[FOUND],
        contacts_conversations=[NOBODY],
        inboxes=[API],
        conversations=[(200, conversation())],
    )
    outreach.write(MESSAGE)
    outreach.write(MESSAGE)
    assert script.asked.count("GET inboxes") == 1


def test_chatwoot_refuses_for_good(scene: Scene) -> None:
    claims = Alone()
    outreach, _, box = scene(claims, contacts_filter=[(401, {"error": "Invalid Access Token"})])
    with pytest.raises(Undeliverable, match="401"):
        outreach.write(MESSAGE)
    assert box.reasons == ["POST /contacts/filter answered 401: Invalid Access Token"]
    assert claims.let_go_of == 1


OUTSIDE = conversation(can_reply=False)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"contacts_filter": [(401, {"error": "Invalid Access Token"})]}, "401"),
        ({"contacts_filter": [NOBODY], "inboxes": [GONE], "contacts": [GONE]}, "no such inbox"),
        ({"contacts_filter": [FOUND], "contacts_conversations": [(200, {"payload": [OUTSIDE]})]}, "24-hour window"),
    ],
)
def test_what_was_refused_has_all_its_time_when_it_is_tried_anew(
    scene: Scene, answers: dict[str, list[Answer]], reason: str
) -> None:
    claims = Alone()
    outreach, _, _ = scene(claims, **answers)
    with pytest.raises(Undeliverable, match=reason):
        outreach.write(MESSAGE)
    assert (claims.forgotten, claims.let_go_of) == (1, 1)


def test_a_contact_that_is_just_being_deleted_is_no_missing_inbox(scene: Scene) -> None:
    """Found by its number still, but without conversations: a while later it is made anew."""
    outreach, _, box = scene(contacts_filter=[FOUND], contacts_conversations=[GONE])
    with pytest.raises(TransientError, match="just being deleted"):
        outreach.write(MESSAGE)
    assert box.reasons == []


def test_a_key_that_holds_a_phone_number_stays_out_of_the_log(scene: Scene) -> None:
    outreach, _, _ = scene(contacts_filter=[(401, {"error": "Invalid Access Token"})])
    with capture_logs() as logs, pytest.raises(Undeliverable):
        outreach.write(replace(MESSAGE, key=f"reminder for {PHONE}"))
    assert [entry["event"] for entry in logs] == ["first_message_undeliverable"]
    assert PHONE not in str(logs)


def test_chatwoot_is_away_for_long(scene: Scene) -> None:
    answers = {"contacts_filter": [FOUND], "contacts_conversations": [NOBODY], "inboxes": [API]}
    outreach, _, box = scene(Alone(age_s=59), **answers, conversations=[(500, "")])
    with pytest.raises(OutcomeUnknown):
        outreach.write(MESSAGE)
    assert box.reasons == []
    outreach, _, box = scene(Alone(age_s=60), **answers, conversations=[(500, "")])
    with pytest.raises(Undeliverable, match="given up"):
        outreach.write(MESSAGE)
    assert len(box.reasons) == 1


def test_a_letter_that_has_its_place_asks_nothing(scene: Scene) -> None:
    claims = Alone()
    claims.placed.append(Placement(9, with_template=False))
    outreach, script, box = scene(claims)
    assert outreach.write(MESSAGE) == 9
    assert script.asked == []
    assert [post.key for post in box.posts] == ["by-hand.a key"]


class TestWhatIsRefused:
    """Nothing of it is lost, whatever stands in it."""

    @staticmethod
    def refused(scene: Scene, *messages: FirstMessage) -> list[DeadLetterRecord]:
        outreach, _, box = scene(contacts_filter=[NOBODY], inboxes=[WHATSAPP])
        for message in messages:
            with pytest.raises((Undeliverable, InvalidArguments)):
                outreach.write(message)
        return box.letters

    def test_one_key_for_many_people_is_a_letter_for_each(self, scene: Scene) -> None:
        letters = self.refused(scene, *(replace(MESSAGE, phone_number=f"+3462322654{n}") for n in range(5)))
        assert len({letter.id for letter in letters}) == 5

    @pytest.mark.parametrize("field", ["phone_number", "content", "name"])
    def test_one_key_for_many_senseless_calls_is_a_letter_for_each(self, scene: Scene, field: str) -> None:
        calls = [replace(MESSAGE, **{"phone_number": "nobody", field: f"nobody {n}"}) for n in range(5)]
        assert len({letter.id for letter in self.refused(scene, *calls)}) == 5

    def test_one_call_that_comes_twice_is_one_letter(self, scene: Scene) -> None:
        assert len({letter.id for letter in self.refused(scene, MESSAGE, MESSAGE)}) == 1

    @pytest.mark.parametrize("field", ["phone_number", "content", "key", "name"])
    @pytest.mark.parametrize("text", ["\ud83d", "\udc00 \0", "x" * 100_000], ids=["half a pair", "NUL", "long"])
    def test_whatever_stands_in_it(self, scene: Scene, field: str, text: str) -> None:
        (letter,) = self.refused(scene, replace(MESSAGE, **{field: text}))
        assert letter.id.encode()
        kept = json.loads(json.loads(letter.record)["content"])[field]
        assert kept == (text.encode(errors="backslashreplace").decode() if field == "key" else text)

    def test_its_id_shows_no_number(self, scene: Scene) -> None:
        (letter,) = self.refused(scene, replace(MESSAGE, key=f"reminder for {PHONE}"))
        assert PHONE not in letter.id


def test_a_key_that_has_no_utf8_is_a_key(scene: Scene) -> None:
    outreach, _, box = scene(contacts_filter=[FOUND], contacts_conversations=[(200, {"payload": [conversation()]})])
    outreach.write(replace(MESSAGE, key="a key \ud83d"))
    (post,) = box.posts
    assert post.key.encode() == b"by-hand.a key \\ud83d"
