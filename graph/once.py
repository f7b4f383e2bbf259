"""`@once`: what a tool does to the world is done once, however often its turn is tried. docs/graphs.md shows it.

    @tool
    @once(verify=find_booking)
    def book(day: str) -> str: ...

Without a turn around it, as in a test or under `langgraph dev`, the function is simply called.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, overload

from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph.errors import GraphInterrupt

from graph import acts
from graph.acts import Act, Acts
from graph.calls import Call, Shape, packed

T = TypeVar("T", bound=Callable[..., Any] | BaseTool)


class NotDone(Exception):
    """For certain, nothing was done: raised by a tool, raised or returned by a `verify`."""


@overload
def once(what: T) -> T: ...
@overload
def once(
    *, verify: Callable[..., Any] | None = None, not_done: tuple[type[Exception], ...] = (), name: str = ""
) -> Callable[[T], T]: ...
def once(
    what: Any = None,
    *,
    verify: Callable[..., Any] | None = None,
    not_done: tuple[type[Exception], ...] = (),
    name: str = "",
) -> Any:
    """Have a function, or a tool, act once in a turn for each time that its graph means it to.

    What it returned is given again where the turn is tried again. Where an earlier try was cut short, or raised, it may
    have acted: `verify`, called with the same arguments, returns what came of it, or `NotDone`. Where it returns None,
    and without one, people are asked, and the turn ends. `not_done`: errors of the function's that say for certain that
    nothing was done, as `NotDone` does. `name`: what it is known by, instead of its module and its own name.

    Raises:
        TypeError: neither a function nor a tool with one; or `verify` can only be awaited, and the function cannot.
    """
    if what is None:
        return lambda it: _acting_once(it, verify, not_done, name)
    return _acting_once(what, verify, not_done, name)


def _acting_once(what: Any, verify: Callable[..., Any] | None, not_done: tuple[type[Exception], ...], name: str) -> Any:
    if isinstance(what, BaseTool):
        if not isinstance(what, StructuredTool | Tool):
            raise TypeError(f"{type(what).__name__} is a tool without a function: write @once on what it calls")
        functions = {"func": what.func, "coroutine": what.coroutine}
        once_each = {
            each: it and _acting_once(it, verify, not_done, name or what.name) for each, it in functions.items()
        }
        return what.model_copy(update=once_each)
    if not callable(what):
        raise TypeError(f"once is for functions and tools, not for {type(what).__name__}")
    is_awaited = iscoroutinefunction(what)
    if iscoroutinefunction(verify) and not is_awaited:
        raise TypeError(f"{what.__name__} cannot wait for a verify that is async")
    known_as = name or f"{what.__module__}.{what.__qualname__}"
    how = _Once(what, Shape.of(what), name or what.__name__, known_as, verify, (NotDone, GraphInterrupt, *not_done))
    return how.awaited() if is_awaited else how.called()


def act_key() -> str:
    """Within a function that acts once, and its `verify`: a key for this act, the same at each try.

    A service that takes an idempotency key, or a reference by which it can be asked, knows the act by it.
    """
    return _KEY.get() or uuid.uuid4().hex


_KEY: ContextVar[str] = ContextVar("act", default="")


@dataclass(frozen=True)
class _Once:
    """A function that acts."""

    function: Callable[..., Any]
    shape: Shape
    name: str
    known_as: str
    verify: Callable[..., Any] | None
    not_done: tuple[type[Exception], ...]

    def called(self) -> Callable[..., Any]:
        @wraps(self.function)
        def act_once(*args: Any, **kwargs: Any) -> Any:
            steps = self._steps(args, kwargs)
            try:
                step = next(steps)
                while True:
                    try:
                        done = step()
                    except BaseException as error:  # noqa: BLE001 - goes on in the steps
                        step = steps.throw(error)
                    else:
                        step = steps.send(done)
            except StopIteration as end:
                return end.value

        return act_once

    def awaited(self) -> Callable[..., Any]:
        @wraps(self.function)
        async def act_once(*args: Any, **kwargs: Any) -> Any:
            steps = self._steps(args, kwargs)
            try:
                step = next(steps)
                while True:
                    try:
                        # What cannot be awaited, as Redis, a thread of the pool waits for.
                        done = await (step() if iscoroutinefunction(step.func) else asyncio.to_thread(step))
                    except BaseException as error:  # noqa: BLE001 - goes on in the steps
                        step = steps.throw(error)
                    else:
                        step = steps.send(done)
            except StopIteration as end:
                return end.value

        return act_once

    def _steps(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Generator[partial[Any], Any, Any]:
        """What is to be called, or awaited, one after the other; each gives back what that returned, or raises it."""
        turn, call = acts.of_this_turn(), self.shape.call(args, kwargs)
        if turn is None:
            with _named(uuid.uuid4().hex):
                result = yield partial(self.function, *args, **kwargs)
            packed(result)  # so that a test notices what could not be kept
            return result
        act, is_new = yield partial(turn.begin, self.known_as, call.arguments, call.in_words(self.name))
        if not is_new and not act.is_done:
            act = yield from self._cleared_up(turn, act, call)
        if act.is_done:
            return call.result_of(act.result)
        with self._trying(turn, act):
            try:
                result = yield partial(self.function, *args, **kwargs)
            except self.not_done:
                yield partial(turn.did_not, act)
                raise
            yield partial(turn.did, act, packed(result))
        return result

    def _cleared_up(self, turn: Acts, act: Act, call: Call) -> Generator[partial[Any], Any, Act]:
        """An act in doubt, with its result if it was done."""
        if self.verify is None:
            raise turn.ask_people(act, self.name)
        with self._trying(turn, act):
            try:
                found = yield partial(self.verify, **call.given)
            except NotDone:
                found = NotDone
            if found is NotDone:
                again: Act = yield partial(turn.begin_again, act)
                return again
            if found is None:  # as of a look-up that has found nothing: it does not say that nothing will come
                raise turn.ask_people(act, self.name)
            result = packed(found)
            yield partial(turn.did, act, result)
        return replace(act, result=result)

    @contextmanager
    def _trying(self, turn: Acts, act: Act) -> Iterator[None]:
        """What is raised leaves the act in doubt, unless it was forgotten: the next such call is about it, too."""
        with _named(act.id):
            try:
                yield
            except BaseException:
                turn.may_have(act)
                raise


@contextmanager
def _named(key: str) -> Iterator[None]:
    before = _KEY.set(key)
    try:
        yield
    finally:
        _KEY.reset(before)
