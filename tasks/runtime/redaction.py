"""What others may see of a task: its name and its ids. Not what people wrote, nor their phone numbers.

Arguments, results and tracebacks travel to Flower and into `celery inspect` as text. What is shown is decided here,
in the worker, so that calls by hand, retries and other publishers are covered too.
"""

from __future__ import annotations

import inspect
import traceback
from typing import Any

import structlog
from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from celery.worker.request import Request

log = structlog.get_logger()

_SHOWN = frozenset({"conversation_id", "bell", "turn", "private"})


def _shown_args(args: Any) -> str:
    return repr(tuple(value if isinstance(value, int | None) else "..." for value in args or ()))


def _shown_kwargs(kwargs: Any) -> str:
    shown = {name: value if name in _SHOWN else "..." for name, value in (kwargs or {}).items()}
    return repr(shown)


class RedactedRequest(Request):
    """A task request that shows ids only."""

    @property
    def argsrepr(self) -> str:
        return _shown_args(self.args)

    @property
    def kwargsrepr(self) -> str:
        return _shown_kwargs(self.kwargs)

    def info(self, safe: bool = False) -> Any:
        return {**super().info(safe=True), "args": self.argsrepr, "kwargs": self.kwargsrepr}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.humaninfo()} {self.argsrepr} {self.kwargsrepr}>"


class SafeError(Exception):
    """An error whose text is written for operators, and says nothing of what people wrote."""


class TaskFailed(SafeError):
    """A task ended with an error of this name. The error's own words may quote a customer, and stay inside."""


class OddArguments(SafeError):
    """The task was called without an argument that it needs, or with one that it does not know. Nothing was done."""


class RedactedTask(Task[..., Any]):
    """A task whose failures show where they happened and of what kind they are, and nothing else."""

    Request = "tasks.runtime.redaction:RedactedRequest"
    throws = (SafeError,)  # logged here; Celery would log them a second time

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            self._refuse_odd_arguments(args, kwargs)
            return self.run(*args, **kwargs)
        except (Retry, Ignore, Reject):
            raise
        except SafeError as error:
            log.error("task_failed", error=type(error).__name__, reason=str(error))
            raise
        except Exception as error:  # noqa: BLE001 - the outermost edge: logged, and raised without its words
            log.error("task_failed", error=type(error).__name__, where=safe_traceback(error))
            raise TaskFailed(type(error).__name__) from None

    def _refuse_odd_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Python's own TypeError would say it well, but every other TypeError would look like it."""
        try:
            inspect.signature(self.run).bind(*args, **kwargs)
        except TypeError as error:
            raise OddArguments(f"{self.name} {error}") from None


def safe_traceback(error: BaseException) -> str:
    """Where an error came from, line by line, without its words."""
    return "".join(traceback.format_tb(error.__traceback__))
