"""Plays recorded situations against a stand-in and says where it answers or tells otherwise than Chatwoot did."""

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.sandbox.receiver import Answer, Received, Receiver
from tests.sandbox.recording import Names, at_one_moment, comparable, differences, load, without_last_message

_RECORDED_SINK = "http://127.0.0.1:9400"
_IDS_IN_PATHS = {"conversations": "conversation", "contacts": "contact", "messages": "message"}
_IDS_IN_QUERIES = {"after": "message", "before": "message"}
_PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(62)
# Recorded seconds are played this much faster; what was late stays later than the timeout that the test sets.
_FASTER = 2.5


@dataclass
class Player:
    """Situations must be played in order, on a fresh stand-in: each goes on from the ones before."""

    http: httpx.Client
    receiver: Receiver
    settle: Callable[[], None]
    tokens: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)
    there: Names = field(default_factory=Names)
    here: Names = field(default_factory=Names)
    source_ids: dict[str, str] = field(default_factory=dict)
    act: Callable[[dict[str, Any]], None] = lambda what: None
    """Carries out a step that is no call: given what it has under "act"."""

    def play(self, situation: str) -> list[str]:
        """Every difference, as `what: where and how`."""
        return self.play_steps(load(situation))

    def play_steps(self, steps: list[dict[str, Any]]) -> list[str]:
        self.receiver.clear()
        differing = []
        for number, step in enumerate(steps):
            if "call" in step:
                self._script(steps[number + 1 :])
                differing += self._call(step["call"], step["answer"])
                self.settle()
            elif "act" in step:
                self.act(step["act"])
                self.settle()
        recorded = [step["webhook"] for step in steps if "webhook" in step]
        return differing + self._webhooks(recorded, list(self.receiver.received))

    def _script(self, following: list[dict[str, Any]]) -> None:
        """Receivers answer as they did until the next call."""
        self.receiver.answers.clear()
        for step in following:
            if "call" in step:
                return
            if "webhook" in step:
                hook = step["webhook"]
                answer = Answer(hook["answered"], hook.get("after_s", 0) / _FASTER)
                self.receiver.answers[hook["to"]].append(answer)

    def _call(self, call: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
        what = f"{call['method']} {call['path']} ({call['token']}; {call.get('note', '')})"
        answer = self._send(call)
        if answer.status_code != recorded["status"]:
            return [f"{what}: {answer.status_code} where Chatwoot has {recorded['status']}"]
        is_json = "json" in answer.headers["Content-Type"] and answer.content
        body = answer.json() if is_json else answer.text
        self._learn(call, recorded["body"], body)
        found = differences(comparable(recorded["body"], self.there), comparable(body, self.here))
        if answer.headers["Content-Type"].split(";")[0] != recorded["content_type"].split(";")[0]:
            found.append(f"Content-Type {answer.headers['Content-Type']}")
        return [f"{what}: {each}" for each in found]

    def _send(self, call: dict[str, Any]) -> httpx.Response:
        headers = {name: self._header(value) for name, value in (call.get("headers") or {}).items()}
        if call["token"] is not None:
            headers["Api-Access-Token"] = self.tokens.get(call["token"], "nobody's")
        body = call["body"]
        given: dict[str, Any] = {}
        if isinstance(body, dict) and "multipart" in body:
            given = _multipart(body["multipart"])
        elif isinstance(body, str):
            given["content"] = body
            headers["Content-Type"] = call["content_type"]
        elif body is not None:
            given["json"] = self._here(body, "")
        return self.http.request(call["method"], self._url(call["path"]), headers=headers, **given)

    def _header(self, value: str) -> str:
        return value.replace("<admin token>", self.tokens["admin"])

    def _url(self, path: str) -> str:
        """The recorded path on this server, with its ids."""
        head, mark, query = path.replace("{account}", "1").partition("?")
        parts = head.split("/")
        for i, part in enumerate(parts[1:], 1):
            if part.isdigit() and parts[i - 1] in _IDS_IN_PATHS:
                parts[i] = str(self._id(_IDS_IN_PATHS[parts[i - 1]], int(part)))
        for name, kind in _IDS_IN_QUERIES.items():
            query = re.sub(rf"(?<=\b{name}=)\d+", partial(self._id_in, kind), query)
        return f"{str(self.http.base_url).rstrip('/')}{'/'.join(parts)}{mark}{query}"

    def _id_in(self, kind: str, found: re.Match[str]) -> str:
        return str(self._id(kind, int(found[0])))

    def _id(self, kind: str, recorded: int) -> int:
        return self.here.id_of(self.there.known(kind, recorded)) or recorded

    def _here(self, value: Any, key: str) -> Any:
        """A recorded body as it must be sent here."""
        if isinstance(value, dict):
            return {name: self._here(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._here(each, key) for each in value]
        if isinstance(value, int) and key in ("contact_id", "base_contact_id", "mergee_contact_id"):
            return self._id("contact", value)
        if isinstance(value, int) and key == "in_reply_to":
            return self._id("message", value)
        return self._text_here(value, key) if isinstance(value, str) else value

    def _text_here(self, value: str, key: str) -> str:
        if key == "source_id":
            return self.source_ids.get(value, value)
        if shortened := re.search(r"… \((\d+) characters\)$", value):
            return value[0] * int(shortened[1])
        return value.replace(_RECORDED_SINK, self.receiver.url)

    def _learn(self, call: dict[str, Any], recorded: Any, live: Any) -> None:
        """Tokens and secrets out of the set-up, and the addresses that later calls name."""
        for there, here in zip(_found(recorded, "source_id"), _found(live, "source_id"), strict=False):
            self.source_ids.setdefault(there, here)
        if call["method"] != "POST" or not isinstance(live, dict):
            return
        if call["path"].endswith("/agent_bots"):
            self.tokens.setdefault("bot", live["access_token"])
            self.secrets[urlsplit(live["outgoing_url"]).path.strip("/")] = live["secret"]
        if call["path"].endswith("/webhooks"):
            self.secrets["account"] = live["payload"]["webhook"]["secret"]
        if live.get("webhook_url"):
            self.secrets["api-inbox"] = live["secret"]

    def _webhooks(self, recorded: list[dict[str, Any]], received: list[Received]) -> list[str]:
        """Each recorded one against the nearest of its kind that came; order and time do not count."""
        came = defaultdict(list)
        for each in received:
            came[_kind(each.to, each.body)].append(each)
        differing = [f"{each.to} {each.body['event']}: wrong signature" for each in received if not self._signed(each)]
        for hook in recorded:
            kind = _kind(hook["to"], hook["body"])
            if not came[kind]:
                differing.append(f"webhook {kind}: did not come")
                continue
            nearest = min(came[kind], key=lambda each: len(self._between(hook, each)))
            came[kind].remove(nearest)
            differing += [f"webhook {kind}: {each}" for each in self._between(hook, nearest)]
        return differing + [f"webhook {kind}: came and was not recorded" for kind, left in came.items() for _ in left]

    def _between(self, hook: dict[str, Any], received: Received) -> list[str]:
        recorded = comparable(hook["body"], self.there, in_webhook=True)
        live = comparable(received.body, self.here, in_webhook=True)
        if not at_one_moment(recorded, live):
            return differences(without_last_message(recorded), without_last_message(live))
        return differences(recorded, live)

    def _signed(self, received: Received) -> bool:
        signed = received.headers["x-chatwoot-timestamp"].encode() + b"." + received.raw
        digest = hmac.new(self.secrets[received.to].encode(), signed, hashlib.sha256).hexdigest()
        return received.headers["x-chatwoot-signature"] == f"sha256={digest}"


def _kind(to: str, body: dict[str, Any]) -> str:
    changed = [name for attribute in body.get("changed_attributes") or [] for name in attribute]
    content = re.sub(r"\d+", "#", str(body.get("content", "")))
    return f"{to} {body['event']} {body.get('message_type', '')} {content!r} {changed}"


def _found(body: Any, wanted: str) -> list[str]:
    """All strings under a key, in the order of the body's keys."""
    if isinstance(body, list):
        return [each for part in body for each in _found(part, wanted)]
    if not isinstance(body, dict):
        return []
    below = [each for key in sorted(body) for each in _found(body[key], wanted)]
    return [body[wanted], *below] if isinstance(body.get(wanted), str) else below


def _multipart(parts: dict[str, Any]) -> dict[str, Any]:
    files = [
        (file["field"], (file["filename"], _data(file).ljust(file.get("bytes", 0)), file["content_type"]))
        for file in parts["files"]
    ]
    return {"data": {name: value for name, value in parts.items() if name != "files"}, "files": files}


def _data(file: dict[str, Any]) -> bytes:
    return _PNG if "png" in file["content_type"] else b"%PDF-1.4\n"
