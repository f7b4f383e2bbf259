"""LangGraph's store, for what outlives a conversation: what a customer said last year is known in this year's.

`langgraph-checkpoint-redis` has one, which finds nothing by key under a namespace of several labels, and its search
needs an index on database 0. Here a namespace is a Redis hash, and an item one of its fields: two workers that put two
items never lose one. The account's namespaces stand in a sorted set, by name. Nothing is searched by meaning.

Keys (docs/graphs.md says whose the namespaces are):
    contesta:{store}:<account>:namespaces          the names, their labels joined by dots, which no label may contain
    contesta:{store}:<account>:items:<namespace>   key -> JSON: when it was made, when it was last put, the value
"""

from __future__ import annotations

import asyncio
import copy
import json
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import redis
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    validate_op_namespace,
)

from graph.checkpoint import Fence, FencedOff, Patience, at_once, kept
from graph.context import contact_namespace, conversation_namespace

T = TypeVar("T")
Namespace = tuple[str, ...]

# KEYS: the namespaces, the fence's hash. ARGV: the fence's field and value, how the items' keys begin, time to live in
# s, now; then of each item its namespace, key, and value as JSON, or '' where it is to go.
# A namespace whose items have expired is taken out of the list when one of the puts comes upon it.
_PUT = """
if ARGV[1] ~= '' and redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
local function drop_if_empty(namespace)
  if redis.call('EXISTS', ARGV[3] .. namespace) == 0 then redis.call('ZREM', KEYS[1], namespace) end
end
for i = 6, #ARGV, 3 do
  local namespace, key, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local items = ARGV[3] .. namespace
  if value == '' then
    redis.call('HDEL', items, key)
    drop_if_empty(namespace)
  else
    local known = redis.call('HGET', items, key)
    local made = known and string.match(known, '^%["([^"]*)"') or ARGV[5]
    redis.call('HSET', items, key, '["' .. made .. '","' .. ARGV[5] .. '",' .. value .. ']')
    redis.call('EXPIRE', items, ARGV[4])
    redis.call('ZADD', KEYS[1], 0, namespace)
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
local any = redis.call('ZRANDMEMBER', KEYS[1])
if any then drop_if_empty(any) end
return 1
"""

# KEYS: the namespaces. ARGV: how the items' keys begin, the namespace, where those that begin with it start and end.
_FORGET = """
local found = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[3], ARGV[4])
table.insert(found, ARGV[2])
local count = 0
for _, namespace in ipairs(found) do
  count = count + redis.call('HLEN', ARGV[1] .. namespace)
  redis.call('DEL', ARGV[1] .. namespace)
  redis.call('ZREM', KEYS[1], namespace)
end
return count
"""


class Store(BaseStore):
    """The store. Safe for threads. What a turn puts there is fenced: see `fenced`.

    All that one call puts is put in one step, or nothing of it. Reading and putting raise `MemoryAway` where Redis is
    away.
    """

    def __init__(self, client: redis.Redis, *, account_id: int, ttl_s: int, patience: Patience = at_once) -> None:
        """`client` decodes responses. A namespace is forgotten `ttl_s` after something was last put there."""
        self._redis = client
        self._account_id = account_id
        self._ttl_s = ttl_s
        self._patience = patience
        self._fence = Fence("", "", "")
        self._put, self._forget = client.register_script(_PUT), client.register_script(_FORGET)

    def fenced(self, fence: Fence) -> Store:
        """The same store, for the holder of the fence alone to put into.

        An object of its own, since a turn's tools may put from threads that know nothing of the turn.
        """
        store = copy.copy(self)
        store._fence = fence
        return store

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do all of them, what is read before what is put. Safe to repeat: the same keys then hold the same values.

        Raises:
            NotImplementedError: a search by meaning (`query`).
            TypeError: a value that JSON does not know.
            FencedOff: the turn is another worker's by now; nothing was put.
            MemoryAway: Redis is away.
        """
        asked = list(ops)
        for op in asked:
            validate_op_namespace(op)
        puts = [op for op in asked if isinstance(op, PutOp)]
        written = [word for op in puts for word in (_path(op.namespace), op.key, _written(op.value))]
        results = [None if isinstance(op, PutOp) else self._read(op) for op in asked]
        if puts:
            self._write(written)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`. Redis is near: a thread waits for it."""
        return await asyncio.to_thread(self.batch, ops)

    def forget_contact(self, contact_id: int) -> int:
        """Forget all that was put for a contact; returns how many items. Safe to repeat."""
        return self._forgotten(contact_namespace(self._account_id, contact_id))

    def forget_conversation(self, conversation_id: int) -> int:
        """Forget what was put for a conversation whose contact nobody knew; returns how many items. Safe to repeat."""
        return self._forgotten(conversation_namespace(self._account_id, conversation_id))

    def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            found = self._kept(lambda: self._redis.hget(self._items(op.namespace), op.key))
            return Item(**_read_item(op.namespace, op.key, str(found))) if found is not None else None
        if isinstance(op, SearchOp):
            return self._found(op)
        if isinstance(op, ListNamespacesOp):
            return self._listed(op)
        raise TypeError(f"no operation of a store: {type(op).__name__}")

    def _write(self, written: Sequence[str]) -> None:
        fence = self._fence
        now = datetime.now(UTC).isoformat()
        keys = [self._namespaces, fence.key or self._namespaces]
        how = (fence.field, fence.value, self._items(()), self._ttl_s, now)
        if not self._kept(lambda: self._put(keys=keys, args=[*how, *written])):
            raise FencedOff(fence.key)

    def _found(self, op: SearchOp) -> list[SearchItem]:
        """What was last put comes first."""
        if op.query:
            raise NotImplementedError(
                "this store finds items by namespace and filter, not by meaning (`query`): compile the graph with a "
                "store of your own that has an index"
            )
        items = [
            SearchItem(**_read_item(namespace, key, text))
            for namespace, fields in self._fields_of(self._known(op.namespace_prefix))
            for key, text in fields.items()
        ]
        matching = [item for item in items if _matches(item.value, op.filter or {})]
        matching.sort(key=lambda item: item.updated_at, reverse=True)
        return matching[op.offset :][: op.limit]

    def _listed(self, op: ListNamespacesOp) -> list[Namespace]:
        conditions = op.match_conditions or ()
        prefix = next((_literal(each.path) for each in conditions if each.match_type == "prefix"), ())
        found = [each for each in self._known(prefix) if all(_fits(condition, each) for condition in conditions)]
        with_items = {namespace[: op.max_depth] for namespace, fields in self._fields_of(found) if fields}
        return sorted(with_items)[op.offset :][: op.limit]

    def _known(self, prefix: Namespace) -> list[Namespace]:
        """The namespaces that begin with these labels; of some the items may have expired."""
        first, last = _range(prefix)
        found = self._kept(lambda: self._redis.zrangebylex(self._namespaces, first, last))
        return [*([prefix] if prefix else []), *(tuple(str(each).split(".")) for each in found)]

    def _fields_of(self, namespaces: Sequence[Namespace]) -> Iterator[tuple[Namespace, dict[str, str]]]:
        def read() -> list[dict[str, str]]:
            with self._redis.pipeline(transaction=False) as pipe:
                for namespace in namespaces:
                    pipe.hgetall(self._items(namespace))
                return pipe.execute()

        return zip(namespaces, self._kept(read), strict=True)

    def _forgotten(self, namespace: Namespace) -> int:
        args = [self._items(()), _path(namespace), *_range(namespace)]
        return int(self._kept(lambda: self._forget(keys=[self._namespaces], args=args)))

    def _kept(self, step: Callable[[], T]) -> T:
        return kept(step, self._patience)

    @property
    def _namespaces(self) -> str:
        return f"contesta:{{store}}:{self._account_id}:namespaces"

    def _items(self, namespace: Namespace) -> str:
        return f"contesta:{{store}}:{self._account_id}:items:{_path(namespace)}"


def _path(namespace: Namespace) -> str:
    return ".".join(namespace)


def _range(prefix: Namespace) -> tuple[str, str]:
    """Where the paths of the namespaces below this one begin and end, in the order of their bytes: "/" follows "."."""
    return (f"[{_path(prefix)}.", f"({_path(prefix)}/") if prefix else ("-", "+")


def _written(value: Mapping[str, Any] | None) -> str:
    return json.dumps(value) if value is not None else ""


def _read_item(namespace: Namespace, key: str, text: str) -> dict[str, Any]:
    made, put, value = json.loads(text)
    times = {"created_at": datetime.fromisoformat(made), "updated_at": datetime.fromisoformat(put)}
    return {"namespace": namespace, "key": key, "value": value, **times}


def _literal(path: Sequence[str]) -> Namespace:
    """The labels before the first `*`."""
    end = next((index for index, label in enumerate(path) if label == "*"), len(path))
    return tuple(path[:end])


def _fits(condition: MatchCondition, namespace: Namespace) -> bool:
    path = tuple(condition.path)
    if len(namespace) < len(path):
        return False
    labels = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for wanted, label in zip(path, labels, strict=True))


def _matches(value: Any, wanted: Any) -> bool:
    """As LangGraph's other stores compare: values, values within dicts, and `{"$gt": 3}`."""
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    if any(str(name).startswith("$") for name in wanted):
        return all(_compares(value, name, than) for name, than in wanted.items())
    return isinstance(value, Mapping) and all(_matches(value.get(name), each) for name, each in wanted.items())


def _compares(value: Any, name: str, than: Any) -> bool:
    if name not in _OPERATORS:
        raise ValueError(f"{name}: a filter knows {', '.join(_OPERATORS)}")
    try:
        return bool(_OPERATORS[name](value, than))
    except TypeError:  # what is not there is neither more nor less
        return False


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
