"""What the environment says, read once in each process and given to those who need it.

Nothing else of the product reads settings from the environment. Three things beside the settings come from there:
where a test has a process kill itself (CONTESTA_DIE_AT, tasks/runtime/failpoints.py), which release this is (RELEASE,
tasks/runtime/release.py), and a model provider's own key, which its library reads.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from dotenv import dotenv_values, find_dotenv
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails

INBOXES_ALL = "*"
STATUSES = ("open", "pending", "resolved", "snoozed")


class SettingsError(Exception):
    """Settings are missing or malformed. The text names every one of them, and never shows a value."""


def _words(value: Any) -> Any:
    """`"a, b"` -> `("a", "b")`: settings hold lists separated by commas."""
    if isinstance(value, str):
        words = tuple(word.strip() for word in value.split(",") if word.strip())
        if value and not words:
            raise ValueError("names nothing between its commas")
        return words
    return value


def _sendable(secret: str) -> str:
    """What cannot stand in a header or a URL is a broken copy: its error, with the whole of it, would come later."""
    if not all("!" <= character <= "~" for character in secret):
        raise ValueError("must be one word of ASCII letters, digits and signs")
    return secret


def _part_of_a_path(token: str) -> str:
    if set(token) & set("/?#%\\"):
        raise ValueError("must not contain / ? # % \\, since it stands in a path")
    return token


def _url_of(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not value:
            return value
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return _parsable(value)

    return AfterValidator(check)


def _known_options(url: str) -> str:
    """Two libraries read it, which do not know the same ones, and pass over what they do not know."""
    parts = urlsplit(url)
    known = {"rediss": _TLS, "amqps": _TLS, "unix": {"db"}}.get(parts.scheme, set())
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := options.keys() - known:
        raise ValueError(f"knows no {', '.join(sorted(unknown))}, but {', '.join(sorted(known)) or 'no options'}")
    if options.get("ssl_cert_reqs", "required") not in ("none", "optional", "required"):
        raise ValueError("ssl_cert_reqs is none, optional or required")
    if (
        parts.scheme.startswith("redis")
        and not parts.path.removeprefix("/").isdecimal()
        and parts.path not in ("", "/")
    ):
        raise ValueError("ends in the number of a database, like /0")
    return url


def _parsable(url: str) -> str:
    """Who parses it later would quote it in an error, or take half of a password for the host."""
    try:
        parts = urlsplit(url)
        has_address = bool(parts.hostname or parts.scheme == "unix") and parts.port != 0
    except ValueError:
        has_address = False
    if not has_address or not url.isprintable() or " " in url or "#" in url or "@" in parts.path + parts.query:
        raise ValueError("is no URL: in a password, write # as %23, / as %2F, ? as %3F, @ as %40, % as %25")
    return url


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Secret = Annotated[str, AfterValidator(_sendable)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_words)]
_TLS = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
RedisUrl = Annotated[str, _url_of("redis", "rediss", "unix"), AfterValidator(_known_options)]
BrokerUrl = Annotated[str, _url_of("redis", "rediss", "unix", "amqp", "amqps"), AfterValidator(_known_options)]
HttpUrl = Annotated[str, _url_of("http", "https")]


class _FromEnv(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Settings from environment variables; `NAME_FILE` names a file that holds the value of `NAME`.

        A variable that is set to nothing counts as not set, but for IGNORE_CONTACTS_LABEL: that means none.

        Raises:
            SettingsError: naming all that is missing or malformed.
        """
        values = cls._values(env)
        problems = cls._unmet(values)
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems = [*(_problem(detail) for detail in error.errors(include_input=False)), *problems]
        if problems:
            raise SettingsError(f"{'; '.join(problems)} (see .env.example)")
        return settings

    @classmethod
    def _values(cls, env: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name in cls.model_fields if (value := _read(env, name.upper()))}

    @classmethod
    def _unmet(cls, values: Mapping[str, str]) -> list[str]:
        """What no field says of itself."""
        return []


class GraphSettings(_FromEnv):
    """What a graph is run with, by a worker and by `flask chat`, which needs no Chatwoot and no Redis."""

    graph: str = "graph.echo:graph"
    graph_durability: Literal["auto", "exit", "sync"] = "auto"
    speakers: Words = ()
    recursion_limit: Annotated[int, Field(gt=0)] = 25
    msgpack_modules: Words = ()
    model: str = ""
    prompt: str = ""
    model_sees: Words = ("auto",)
    history_limit: Annotated[int, Field(gt=0)] = 40
    summarize: bool = True
    max_tokens_per_turn: Annotated[int, Field(ge=0)] = 0
    redact_pii: Words = ()
    facts_dir: str = ""
    help_center_url: HttpUrl = ""
    agent_labels: Words = ()
    agent_attributes: Words = ()

    @property
    def offered(self) -> dict[str, Any]:
        """What a function that makes a graph may ask for, by name."""
        return {
            "model": self.model,
            "prompt": self.prompt,
            "sees": ",".join(self.model_sees),
            "history_limit": self.history_limit,
            "summarize": self.summarize,
            "max_tokens_per_turn": self.max_tokens_per_turn,
            "redact_pii": self.redact_pii,
            "facts_dir": self.facts_dir,
            "labels": self.agent_labels,
            "attributes": self.agent_attributes,
        }

    @field_validator("model_sees")
    @classmethod
    def _can_be_seen(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if kinds not in (("auto",), ("nothing",)) and not set(kinds) <= {"image", "pdf"}:
            raise ValueError("must be auto, nothing, image, pdf, or image,pdf")
        return kinds

    @field_validator("help_center_url")
    @classmethod
    def _is_a_help_center(cls, url: str) -> str:
        if url and not re.search(r"/hc/[^/]+/[^/]+/?$", url):
            raise ValueError("is as the browser shows it, and ends in /hc/<help centre>/<language>")
        return url

    @field_validator("msgpack_modules")
    @classmethod
    def _types_are_named(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"\w+(\.\w+)*:\w+", each) for each in types):
            raise ValueError("must be types separated by commas, each as package.module:Type")
        return types


class AccountSettings(_FromEnv):
    """Which account of which Chatwoot: all that `flask provision` needs, which makes what the others name."""

    chatwoot_api_url: HttpUrl = Field(repr=False)
    chatwoot_account_id: Annotated[int, Field(gt=0)]
    chatwoot_inbox_id: Annotated[int, Field(gt=0)]
    answer_inbox_ids: Words = ()
    chatwoot_api_token: Secret = Field("", repr=False)
    chatwoot_webhook_token: Annotated[Secret, AfterValidator(_part_of_a_path)] = Field("", repr=False)
    chatwoot_timeout_seconds: Annotated[float, Field(gt=0)] = 20.0

    @property
    def answered_inbox_ids(self) -> frozenset[int] | None:
        """The inboxes in which the bot answers; None is all of them."""
        if self.answer_inbox_ids == (INBOXES_ALL,):
            return None
        return frozenset(map(int, self.answer_inbox_ids)) or frozenset({self.chatwoot_inbox_id})

    @field_validator("answer_inbox_ids")
    @classmethod
    def _inboxes_are_numbers(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        if ids != (INBOXES_ALL,) and not all(word.isdecimal() for word in ids):
            raise ValueError("must be numbers separated by commas, or *")
        return ids


class Settings(GraphSettings, AccountSettings):
    """Every setting, named as in the environment but in lower case; `.env.example` has a sentence for each."""

    redis_url: RedisUrl = Field(repr=False)
    celery_broker_url: BrokerUrl = Field("", repr=False)

    chatwoot_bot_token: Secret = Field("", repr=False)
    chatwoot_webhook_secret: Secrets = Field((), repr=False)
    chatwoot_storing_seconds: Annotated[float, Field(ge=0)] = 15.0

    media_max_mb: Annotated[float, Field(gt=0)] = 10.0
    media_seconds: Annotated[float, Field(gt=0)] = 10.0
    media_hosts: Words = ()
    transcribe: str = ""
    unheard_reply: str = ""
    answer_statuses: Words = ()
    ignore_contacts: Words = ("*@g.us", "*@broadcast", "*@newsletter", "+123456")
    answer_edits: bool = False
    ignore_contacts_label: str = "bot-ignored"
    person_opens: bool = True
    take_back: bool = True
    look_before_thinking: Literal["always", "late"] = "always"
    coalesce_seconds: Annotated[float, Field(ge=0)] = 1.0
    coalesce_max_seconds: Annotated[float, Field(ge=0)] = 4.0
    transcript_wait_seconds: Annotated[float, Field(ge=0)] = 5.0
    typing_seconds: Annotated[float, Field(ge=0)] = 2.0
    message_limit: Annotated[int, Field(ge=100)] = 4096
    memory_ttl_days: Annotated[float, Field(gt=0)] = 30.0
    store_ttl_days: Annotated[float, Field(gt=0)] = 365.0
    reconcile_seconds: Annotated[float, Field(ge=0)] = 60.0
    reconcile_horizon_seconds: Annotated[float, Field(gt=0)] = 3600.0
    reconcile_grace_seconds: Annotated[float, Field(ge=0)] = 10.0

    on_missing_conversation: Literal["fail", "recreate"] = "fail"
    validate_conversations: bool = False
    turn_seconds: Annotated[float, Field(gt=0)] = 120.0
    lease_seconds: Annotated[float, Field(gt=0)] = 20.0
    shutdown_seconds: Annotated[float, Field(gt=0)] = 130.0
    max_cost_per_day: Annotated[float, Field(ge=0)] = 0.0
    model_prices: Words = ()
    max_turns_per_hour: Annotated[int, Field(ge=0)] = 30
    max_wait_seconds: Annotated[float, Field(ge=0)] = 600.0
    turn_attempts: Annotated[int, Field(gt=0)] = 4
    decision_hours: Annotated[float, Field(ge=0, le=24 * 28)] = 24.0
    turn_retry_seconds: Annotated[float, Field(ge=0)] = 300.0
    log_graph_errors: bool = False
    send_retry_seconds: Annotated[float, Field(gt=0)] = 3600.0
    posts_in_flight: Annotated[int, Field(gt=0)] = 4
    post_patience_seconds: Annotated[float, Field(gt=0)] = 0.5
    order_wait_seconds: Annotated[float, Field(ge=0)] = 10.0
    chatwoot_rate_per_minute: Annotated[int, Field(ge=0)] = 2400
    metrics_token: Secret = Field("", repr=False)
    shards: Annotated[int, Field(gt=0, le=1024)] = 16

    @classmethod
    def _values(cls, env: Mapping[str, str]) -> dict[str, str]:
        values = super()._values(env)
        if env.get("IGNORE_CONTACTS_LABEL", "none").strip() == "" and not env.get("IGNORE_CONTACTS_LABEL_FILE"):
            values["ignore_contacts_label"] = ""
        return values

    @classmethod
    def _unmet(cls, values: Mapping[str, str]) -> list[str]:
        problems = [problem for names, problem in _ONE_OF.items() if not any(name in values for name in names)]
        if values.get("on_missing_conversation") == "recreate" and "chatwoot_api_token" not in values:
            problems.append("ON_MISSING_CONVERSATION=recreate needs CHATWOOT_API_TOKEN: a bot may not look at contacts")
        return problems

    @property
    def broker_url(self) -> str:
        return self.celery_broker_url or self.redis_url

    @property
    def reply_token(self) -> str:
        """The token that replies are posted with: the bot's where there is one."""
        return self.chatwoot_bot_token or self.chatwoot_api_token

    @property
    def answered_statuses(self) -> frozenset[str]:
        """Conversation statuses in which the bot answers. With an agent bot a conversation starts pending."""
        default = ("pending",) if self.chatwoot_bot_token else ("pending", "open")
        return frozenset(self.answer_statuses or default)

    @field_validator("model_prices")
    @classmethod
    def _prices_are_two_numbers(cls, prices: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[^=]+=\d+(\.\d+)?/\d+(\.\d+)?", each) for each in prices):
            raise ValueError("must be prices separated by commas, each as model=dollars in/dollars out")
        return prices

    @field_validator("answer_statuses")
    @classmethod
    def _statuses_exist(cls, statuses: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(statuses) - set(STATUSES):
            raise ValueError(f"{', '.join(sorted(unknown))}: not among {', '.join(STATUSES)}")
        return statuses


def of_this_process() -> Settings:
    """What the environment says, and the files that `complete` reads where it says nothing.

    Raises:
        SettingsError: naming all that is missing or malformed.
    """
    complete(os.environ)
    return Settings.from_env(os.environ)


def of_the_graph() -> GraphSettings:
    """As `of_this_process`, where there may be no Chatwoot yet."""
    complete(os.environ)
    return GraphSettings.from_env(os.environ)


def of_the_account() -> AccountSettings:
    """As `of_this_process`, where the account is not set up yet."""
    complete(os.environ)
    return AccountSettings.from_env(os.environ)


def complete(environment: MutableMapping[str, str]) -> None:
    """Let a command that is typed in the project's folder find the settings that nobody exported.

    - An environment that names a Chatwoot (CHATWOOT_API_URL) is complete: no file is looked at, so none surprises a
      process that was started with its settings.
    - Otherwise, while `make run` runs, all settings are those of its file, `run.env` in DATA_DIR (`.data`): a command
      that is typed beside it reaches what it has started, and nothing else.
    - Otherwise `.env` adds what the environment lacks, as it does for every `flask` command.

    Flask has read `.env` before it comes here. What it found there was not in the environment, and does not count.

    Raises:
        SettingsError: the file is of a `make run` that could not tidy up.
    """
    if _is_complete(environment):
        return
    left_by_make_run = Path(environment.get("DATA_DIR") or ".data", "run.env")
    if not left_by_make_run.is_file():
        for name, value in _dot_env().items():
            environment.setdefault(name, value)
        return
    values = _of_the_run(left_by_make_run)
    for name in map(str.upper, Settings.model_fields):
        environment.pop(name, None)
        environment.pop(f"{name}_FILE", None)
    environment.update(values)


def _is_complete(environment: Mapping[str, str]) -> bool:
    named = _chatwoot(environment)
    if named and environment.get("FLASK_RUN_FROM_CLI") == "true":
        return named != _chatwoot(_dot_env())
    return bool(named)


def _of_the_run(file: Path) -> dict[str, str]:
    with file.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # its writer holds it, so it runs
            return _values(file, interpolate=False)
    raise SettingsError(f"{file} is left of a `make run` that was killed: remove it, or start `make run` again")


def _dot_env() -> dict[str, str]:
    return _values(find_dotenv(usecwd=True))


def _chatwoot(environment: Mapping[str, str]) -> str | None:
    return environment.get("CHATWOOT_API_URL") or environment.get("CHATWOOT_API_URL_FILE")


def _values(file: str | Path, *, interpolate: bool = True) -> dict[str, str]:
    values = dotenv_values(file, interpolate=interpolate, encoding="utf-8")
    return {name: value for name, value in values.items() if value is not None}


_ONE_OF = {
    ("chatwoot_api_token", "chatwoot_bot_token"): "set CHATWOOT_API_TOKEN or CHATWOOT_BOT_TOKEN",
    ("chatwoot_webhook_secret", "chatwoot_webhook_token"): (
        "set CHATWOOT_WEBHOOK_SECRET (or CHATWOOT_WEBHOOK_TOKEN for Chatwoot before 4.12)"
    ),
}


def _read(env: Mapping[str, str], name: str) -> str:
    if value := env.get(name, "").strip():
        return value
    if path := env.get(f"{name}_FILE", "").strip():
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{name}_FILE: {error.strerror}: {path}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{name}_FILE: not UTF-8: {path}") from None
    return ""


def _problem(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else ""
    if detail["type"] == "missing":
        return f"set {name}"
    words = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {words}" if name else words
