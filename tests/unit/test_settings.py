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
        ("COALESCE_SECONDS", "-1"),
        ("HISTORY_LIMIT", "0"),
    ],
)
def test_what_is_malformed_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as error:
        Settings.from_env({**ENOUGH, name: value})
    assert value not in str(error.value).replace(name, "") or value in ("opened", "0", "-1")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    env = {**ENOUGH, "CHATWOOT_API_TOKEN": "", "CHATWOOT_API_TOKEN_FILE": str(tmp_path / "token")}
    assert Settings.from_env(env).chatwoot_api_token == "from-a-file"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL_FILE"):
        Settings.from_env({**ENOUGH, "REDIS_URL": "", "REDIS_URL_FILE": str(tmp_path / "none")})


def test_secrets_do_not_show() -> None:
    assert "user-token" not in repr(Settings.from_env(ENOUGH))
    assert "'secret'" not in repr(Settings.from_env(ENOUGH))


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


def test_every_setting_has_a_sentence_in_the_example() -> None:
    example = (Path(__file__).parent.parent.parent / ".env.example").read_text()
    described = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields} <= described
