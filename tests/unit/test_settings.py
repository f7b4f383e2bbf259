"""Settings are read once, and all that is wrong with them is said at once, without a value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings import Settings, SettingsError

ENOUGH = {
    "REDIS_URL": "redis://localhost",
    "CHATWOOT_API_URL": "https://chat.example.com/",
    "CHATWOOT_ACCOUNT_ID": "1",
    "CHATWOOT_INBOX_ID": "2",
    "CHATWOOT_API_TOKEN": "user-token",
    "CHATWOOT_WEBHOOK_SECRET": "secret",
}


def test_what_is_missing_is_named_in_one_error() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_env({})
    for name in (
        "REDIS_URL",
        "CHATWOOT_API_URL",
        "CHATWOOT_ACCOUNT_ID",
        "CHATWOOT_INBOX_ID",
        "CHATWOOT_API_TOKEN",
        "CHATWOOT_WEBHOOK_SECRET",
    ):
        assert name in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://localhost"),
        ("CHATWOOT_API_URL", "chat.example.com"),
        ("CHATWOOT_ACCOUNT_ID", "one"),
        ("ANSWER_INBOX_IDS", "1,two"),
        ("ANSWER_STATUSES", "opened"),
        ("MSGPACK_MODULES", "acme.state.Order"),
        ("COALESCE_SECONDS", "-1"),
        ("HISTORY_LIMIT", "0"),
    ],
)
def test_what_is_malformed_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as error:
        Settings.from_env({**ENOUGH, name: value})
    assert value not in str(error.value).replace(name, "") or value in ("opened", "0", "-1")


@pytest.mark.parametrize("name", ["CHATWOOT_WEBHOOK_SECRET", "ANSWER_INBOX_IDS", "ANSWER_STATUSES"])
@pytest.mark.parametrize("value", [",", " , ", ",,"])
def test_a_list_of_nothing_is_none(name: str, value: str) -> None:
    """It would start with no secret, or with the default where something was meant."""
    with pytest.raises(SettingsError, match=f"{name}: names nothing"):
        Settings.from_env({**ENOUGH, name: value})


@pytest.mark.parametrize(
    "name", ["CHATWOOT_API_TOKEN", "CHATWOOT_BOT_TOKEN", "CHATWOOT_WEBHOOK_SECRET", "CHATWOOT_WEBHOOK_TOKEN"]
)
@pytest.mark.parametrize(
    "value", ["se\ncret", "se\r\ncret", "se cret", "se\tcret", "sécret", "se\udc80cret", "se\0cret"]
)
def test_a_secret_that_could_not_be_sent_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: must be one word") as error:
        Settings.from_env({**ENOUGH, name: value})
    assert "cret" not in str(error.value).replace(name, "")


@pytest.mark.parametrize("value", ["a/b", "a?b", "a#b", "a%2Fb"])
def test_a_token_that_no_path_can_carry_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="CHATWOOT_WEBHOOK_TOKEN"):
        Settings.from_env({**ENOUGH, "CHATWOOT_WEBHOOK_TOKEN": value})


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "redis://:hush#hush@localhost:6379/0",
        "redis://:123#hush@localhost:6379/0",
        "redis://:hush/hush@localhost:6379/0",
        "redis://:123/hush@localhost:6379/0",
        "redis://:hush?hush@localhost:6379/0",
        "redis://me:123?hush@localhost:6379/0",
        "redis://me:123/hush@localhost:6379/0",
        "redis://:123?hush@localhost:6379/0",
        "redis://:hu[sh@localhost:6379/0",
        "redis://:hush@localhost:port/0",
        "redis://:hush@localhost:99999/0",
        "unix://:hush#hush@/run/redis.sock",
        "redis://:hush\nhush@localhost",
    ],
)
def test_a_password_that_breaks_its_url_is_not_shown(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: is no URL") as error:
        Settings.from_env({**ENOUGH, name: url})
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://localhost/0?timeout=5", "knows no timeout"),
        ("redis://localhost/0?ssl_ca_certs=/ca.pem", "knows no ssl_ca_certs"),
        ("rediss://localhost/0?ssl_ca_cert=/ca.pem", "knows no ssl_ca_cert, but"),
        ("rediss://localhost/0?ssl_cert_reqs=CERT_REQUIRED", "ssl_cert_reqs is none, optional or required"),
        ("redis://localhost/first", "ends in the number of a database"),
        ("sentinel://localhost:26379/0", "must begin with redis://"),
        ("redis+sentinel://localhost:26379/0", "must begin with redis://"),
        ("redis+socket:///run/redis.sock", "must begin with redis://"),
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
def test_what_would_be_passed_over_or_break_later_is_refused(name: str, url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{name}: {words}")):
        Settings.from_env({**ENOUGH, name: url})


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://me:p%23ss@localhost:6379/3",
        "rediss://localhost/0?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/c.key&ssl_check_hostname=false",
        "unix:///run/redis.sock?db=3",
        "unix://:hush@/run/redis.sock",
    ],
)
def test_every_way_to_redis_that_is_known_is_taken(url: str) -> None:
    assert Settings.from_env({**ENOUGH, "REDIS_URL": url, "CELERY_BROKER_URL": url}).redis_url == url


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="CHATWOOT_API_TOKEN_FILE: not UTF-8"):
        Settings.from_env({**ENOUGH, "CHATWOOT_API_TOKEN": "", "CHATWOOT_API_TOKEN_FILE": str(tmp_path / "token")})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    env = {**ENOUGH, "CHATWOOT_API_TOKEN": "", "CHATWOOT_API_TOKEN_FILE": str(tmp_path / "token")}
    assert Settings.from_env(env).chatwoot_api_token == "from-a-file"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL_FILE"):
        Settings.from_env({**ENOUGH, "REDIS_URL": "", "REDIS_URL_FILE": str(tmp_path / "none")})


def test_secrets_do_not_show() -> None:
    hidden = {
        "REDIS_URL": "redis://:hush@localhost",
        "CELERY_BROKER_URL": "amqp://me:hush@localhost",
        "CHATWOOT_API_URL": "https://me:hush@chat.example.com",
        "CHATWOOT_API_TOKEN": "hush",
        "CHATWOOT_BOT_TOKEN": "hush",
        "CHATWOOT_WEBHOOK_SECRET": "hush,hush",
        "CHATWOOT_WEBHOOK_TOKEN": "hush",
    }
    assert "hush" not in repr(Settings.from_env({**ENOUGH, **hidden}))


def test_the_bot_answers_in_its_own_inbox() -> None:
    assert Settings.from_env(ENOUGH).answered_inbox_ids == {2}
    assert Settings.from_env({**ENOUGH, "ANSWER_INBOX_IDS": "3, 4"}).answered_inbox_ids == {3, 4}
    assert Settings.from_env({**ENOUGH, "ANSWER_INBOX_IDS": "*"}).answered_inbox_ids is None


def test_a_bot_answers_pending_conversations() -> None:
    assert Settings.from_env(ENOUGH).answered_statuses == {"pending", "open"}
    bot = Settings.from_env({**ENOUGH, "CHATWOOT_BOT_TOKEN": "bot-token"})
    assert (bot.answered_statuses, bot.reply_token) == ({"pending"}, "bot-token")


def test_a_bot_token_is_enough() -> None:
    settings = Settings.from_env({**ENOUGH, "CHATWOOT_API_TOKEN": "", "CHATWOOT_BOT_TOKEN": "bot-token"})
    assert settings.reply_token == "bot-token"


def test_the_broker_is_redis_unless_said_otherwise() -> None:
    assert Settings.from_env(ENOUGH).broker_url == "redis://localhost"
    assert Settings.from_env({**ENOUGH, "CELERY_BROKER_URL": "amqp://rabbit"}).broker_url == "amqp://rabbit"


def test_no_label_has_contacts_ignored_where_it_is_set_to_nothing() -> None:
    assert Settings.from_env(ENOUGH).ignore_contacts_label == "bot-ignored"
    assert Settings.from_env({**ENOUGH, "IGNORE_CONTACTS_LABEL": ""}).ignore_contacts_label == ""


def test_every_setting_has_a_sentence_in_the_example() -> None:
    example = (Path(__file__).parent.parent.parent / ".env.example").read_text()
    described = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields} <= described
