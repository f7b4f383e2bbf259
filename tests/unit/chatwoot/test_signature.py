"""Signatures, held against whole requests that a real Chatwoot signed."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatwoot import signature
from chatwoot.errors import SignatureError

Request = dict[str, Any]
REQUESTS: list[Request] = json.loads((Path(__file__).parents[2] / "recorded" / "signed-requests.json").read_text())
SECRET = "a secret"
NOW = 1_795_388_484
BODY = b'{"event":"message_created"}'

each_request = pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r["headers"]["X-Chatwoot-Delivery"])


def verify(
    request: Request, *, body: bytes | None = None, secrets: list[str] | None = None, **headers: str | None
) -> None:
    sent = request["headers"]
    signature.verify(
        request["raw_body"].encode() if body is None else body,
        timestamp=headers.get("timestamp", sent[signature.TIMESTAMP_HEADER]),
        signature=headers.get("signature", sent[signature.SIGNATURE_HEADER]),
        secrets=[request["secret"]] if secrets is None else secrets,
        now=int(sent[signature.TIMESTAMP_HEADER]) + 2.5,
    )


def verify_ours(*, timestamp: str | None = str(NOW), now: float = NOW, **changed: Any) -> None:
    """A good request of our own making, unless something is `changed`."""
    good = signature.sign(BODY, timestamp=timestamp or "", secret=SECRET)
    given = {"signature": good, "secrets": [SECRET]} | changed
    signature.verify(BODY, timestamp=timestamp, now=now, **given)


@each_request
def test_what_chatwoot_signed_verifies_byte_for_byte(request_: Request) -> None:
    verify(request_)
    stamp = request_["headers"][signature.TIMESTAMP_HEADER]
    again = signature.sign(request_["raw_body"].encode(), timestamp=stamp, secret=request_["secret"])
    assert again == request_["headers"][signature.SIGNATURE_HEADER]


@each_request
@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_byte_of_the_body_changed_fails(request_: Request, place: int) -> None:
    body = bytearray(request_["raw_body"].encode())
    body[place] ^= 1
    with pytest.raises(SignatureError, match="wrong"):
        verify(request_, body=bytes(body))


@each_request
def test_one_digit_of_the_timestamp_changed_fails(request_: Request) -> None:
    stamp = request_["headers"][signature.TIMESTAMP_HEADER]
    with pytest.raises(SignatureError, match="wrong"):
        verify(request_, timestamp=stamp[:-1] + str((int(stamp[-1]) + 1) % 10))


@each_request
def test_one_letter_of_the_secret_changed_fails(request_: Request) -> None:
    secret = request_["secret"]
    with pytest.raises(SignatureError, match="wrong"):
        verify(request_, secrets=[secret[:-1] + chr(ord(secret[-1]) ^ 1)])


def test_any_of_several_secrets_will_do() -> None:
    verify_ours(secrets=["another", SECRET])
    verify_ours(secrets=[SECRET, "another"])


@pytest.mark.parametrize("secrets", [[], [""], ["", "another"]])
def test_without_the_secret_nothing_verifies(secrets: list[str]) -> None:
    with pytest.raises(SignatureError, match="wrong"):
        verify_ours(secrets=secrets)


def test_an_empty_secret_is_no_secret() -> None:
    """A setting left empty must not let in whoever signs with nothing."""
    signed_with_nothing = signature.sign(BODY, timestamp=str(NOW), secret="")
    with pytest.raises(SignatureError, match="wrong"):
        verify_ours(signature=signed_with_nothing, secrets=[""])


@pytest.mark.parametrize("age_s", [-300, 0, 300])
def test_the_window_is_five_minutes_either_way(age_s: int) -> None:
    verify_ours(now=NOW + age_s)


@pytest.mark.parametrize(("age_s", "said"), [(301, "too old"), (-301, "too new")])
def test_outside_the_window_a_good_signature_is_refused(age_s: int, said: str) -> None:
    with pytest.raises(SignatureError, match=said):
        verify_ours(now=NOW + age_s)


@pytest.mark.parametrize("given", [{"timestamp": None}, {"timestamp": ""}, {"signature": None}, {"signature": ""}])
def test_a_missing_header_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SignatureError, match="missing"):
        verify_ours(**given)


@pytest.mark.parametrize(
    "timestamp",
    ["x", "-1", "1e9", "1795388484.0", " 1795388484", "١٧٩٥٣٨٨٤٨٤", "²", "\udcff", "9" * 5000, "0x6b", "nan"],
)
def test_a_malformed_timestamp_is_refused(timestamp: str) -> None:
    with pytest.raises(SignatureError, match="timestamp is"):
        signature.verify(BODY, timestamp=timestamp, signature="sha256=" + 64 * "0", secrets=[SECRET], now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "sha256=",
        "sha256=zz",
        "sha256=" + 63 * "a",
        "sha256=" + 66 * "a",
        64 * "a",
        "sha1=" + 64 * "a",
        "é",
        "\udcff",
    ],
)
def test_a_malformed_signature_is_refused(given: str) -> None:
    with pytest.raises(SignatureError, match="signature is malformed"):
        verify_ours(signature=given)
