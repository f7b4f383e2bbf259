"""A conversation's memory: the latest checkpoint of each thread, one JSON document in Redis.

`langgraph-checkpoint-redis` 0.5.2 as it is loses memory under threads, applies old writes again and reads every
write that a thread ever made (docs/adr/0003-memory.md has each defect and its test in tests/integration/graph).
What is different here: one client for each thread, pending writes of the current checkpoint only, one atomic write
that also forgets what is older, msgpack instead of JSON for the state, and no search index, since nothing searches.

A subgraph that is compiled with `checkpointer=True` has one namespace and one checkpoint for all turns. Any other one
has a namespace for each of its runs, `node:task`, of use only while the step of the thread that runs it is not over.
A hash of the thread's names the keys of these, each with the id of the thread's checkpoint that it belongs to: what
belongs to neither the current one nor the one from before the turn goes when the thread's next one is stored.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import redis
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    PendingWrite,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.redis import ShallowRedisSaver
from langgraph.checkpoint.redis.util import to_storage_safe_str
from langgraph.checkpoint.serde.types import INTERRUPT
from redis.commands.core import Script

from graph.acts import ACTS, SAVED, Acts
from graph.serde import Serializer

T = TypeVar("T")

FENCE = "__fence"
"""The key in a config's `configurable` under which a `Fence` may stand."""
TURN = "turn"
"""The key in a config's metadata under which the name of the turn stands: see `Memory.restore`."""
_BLOB = "__msgpack"
_BEFORE, _SUBGRAPHS = "!before", "!subgraphs"
_OF_A_TASK = ":"
"""Between a node's name, which may not contain it, and its task's id in a subgraph's namespace."""


@dataclass(frozen=True)
class Fence:
    """A checkpoint may be written only while the field of this Redis hash has this value."""

    key: str
    field: str
    value: str


class FencedOff(Exception):
    """Somebody else writes this thread now: the checkpoint was refused, what is stored is untouched."""


class MemoryAway(Exception):
    """Redis is away, or takes nothing: it is no fault of the graph's."""


class Patience(Protocol):
    """Tries a step again while Redis is away, for as long as it has patience."""

    def __call__(self, step: Callable[[], T], /) -> T: ...


def at_once(step: Callable[[], T], /) -> T:
    """No patience."""
    return step()


def kept(step: Callable[[], T], patience: Patience) -> T:
    """What a step on Redis gives.

    Raises:
        MemoryAway: Redis is away, for longer than there is patience.
    """
    try:
        return patience(step)
    except redis.RedisError as error:
        raise MemoryAway(type(error).__name__) from error


# KEYS: checkpoint, registry of writes, the fence's hash, the checkpoint before the turn, the subgraphs' keys. ARGV: the
# fence's field and value.
_BEGIN = """
if ARGV[1] ~= '' and redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
local function path(key, name)
  return redis.call('EXISTS', key) == 1 and redis.call('JSON.GET', key, name) or ''
end
local function drop_writes(is_to_go)
  for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local id, number = string.match(key, ':(%x+%-%x+%-%x+%-%x+%-%x+):[^:]+:(%-?%d+)$')
    if id and is_to_go(id, number) then
      redis.call('DEL', key)
      redis.call('ZREM', KEYS[2], key)
    end
  end
end
local function drop_subgraphs(is_to_go)
  local found = redis.call('HGETALL', KEYS[5])
  for i = 1, #found, 2 do
    local key = found[i]
    if is_to_go(found[i + 1]) then
      if string.sub(key, -8) == ':shallow' then
        for _, write in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('DEL', write) end
      end
      redis.call('DEL', key)
      redis.call('HDEL', KEYS[5], key)
    end
  end
end
"""

# Further ARGV: document, time to live in s, checkpoint id, the turn's name as JSON or '', and whose it is: 'thread',
# 'subgraph', or of a subgraph's single run the thread's checkpoint id. Checkpoint ids sort by time. A write may come
# before its checkpoint: only older ones go, and those of what was before the turn stay with it.
_PUT = (
    _BEGIN
    + """
if ARGV[6] ~= '' and path(KEYS[1], '.metadata.turn') ~= ARGV[6] then
  redis.call('DEL', KEYS[4])
  redis.call('COPY', KEYS[1], KEYS[4])
end
redis.call('JSON.SET', KEYS[1], '$', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[4], ARGV[4])
local kept = path(KEYS[4], '.checkpoint_id')
local function is_to_go(id) return id < ARGV[5] and '"' .. id .. '"' ~= kept end
drop_writes(is_to_go)
if ARGV[7] == 'thread' then
  drop_subgraphs(is_to_go)
elseif ARGV[7] ~= 'subgraph' then
  redis.call('HSET', KEYS[5], KEYS[1], ARGV[7])
  redis.call('EXPIRE', KEYS[5], ARGV[4])
end
return 1
"""
)

# Further ARGV: the turn's name as JSON, the number that LangGraph gives to interrupts among a task's writes: they stay,
# and what the turn made of them goes.
_RESTORE = (
    _BEGIN
    + """
if path(KEYS[1], '.metadata.turn') ~= ARGV[3] then return 1 end
redis.call('DEL', KEYS[1])
redis.call('COPY', KEYS[4], KEYS[1])
local kept = path(KEYS[1], '.checkpoint_id')
drop_writes(function(id, number) return '"' .. id .. '"' ~= kept or number ~= ARGV[4] end)
drop_subgraphs(function(id) return '"' .. id .. '"' ~= kept end)
return 1
"""
)


class Memory(ShallowRedisSaver):
    """The checkpointer. Safe for threads. Needs Redis with the JSON module; `setup()` is not needed.

    Keeps the latest checkpoint only: no history, no time travel, no DeltaChannel.
    What a graph's run needs of it, `get_tuple`, `put` and `put_writes`, raises `MemoryAway` where Redis is away, and
    `TypeNotAllowed` for what may not be read.
    """

    def __init__(
        self, client: redis.Redis, *, ttl_s: int, patience: Patience = at_once, types: Iterable[str] = ()
    ) -> None:
        """`client` must not decode responses. A thread is forgotten `ttl_s` after its last turn.

        `types`: as `Serializer.allowing`.
        """
        self._threads = threading.local()
        self._patience = patience
        super().__init__(redis_client=client, ttl={"default_ttl": ttl_s / 60, "refresh_on_read": False})
        self.serde = Serializer.allowing(types)
        self._ttl_s = ttl_s
        self._put, self._restore = client.register_script(_PUT), client.register_script(_RESTORE)

    # redis-py registers the JSON callbacks anew, client-wide, at each .json(): another thread's answer then comes back
    # unparsed and reads as "no checkpoint". A client of its own for each thread, all on one connection pool.
    @property
    def _redis(self) -> redis.Redis:
        client: redis.Redis | None = getattr(self._threads, "client", None)
        if client is None:
            client = self._threads.client = redis.Redis(connection_pool=self._pool)
        return client

    @_redis.setter
    def _redis(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool

    def set_client_info(self) -> None:
        """Redis need not be there yet."""

    def setup(self) -> None:
        """Nothing to set up: no index is kept."""

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        known = super().get_tuple
        found = self._kept(lambda: known(config))
        acts: Acts | None = config["configurable"].get(ACTS)
        if acts is not None:
            saved: list[str] = dict[str, Any](found.metadata).get(SAVED, []) if found else []
            writes = [(task, channel) for task, channel, _ in (found and found.pending_writes) or ()]
            namespace = config["configurable"].get("checkpoint_ns") or ""
            acts.goes_on(namespace, found and found.checkpoint["id"], saved, writes)
        return found

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Safe to repeat."""
        put = super().put_writes
        self._kept(lambda: self._list_writes(config["configurable"]))
        self._kept(lambda: put(config, writes, task_id, task_path))

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store the checkpoint in one step, instead of the one before it. Safe to repeat.

        Raises:
            FencedOff: `configurable` holds a `Fence` that is not this writer's any more.
        """
        configurable = config["configurable"]
        thread_id, namespace = configurable["thread_id"], configurable.get("checkpoint_ns", "")
        document = {
            "thread_id": thread_id,
            "checkpoint_ns": to_storage_safe_str(namespace),
            "checkpoint_id": checkpoint["id"],
            "checkpoint": self._dump_checkpoint(checkpoint),
            "metadata": json.loads(json.dumps(get_checkpoint_metadata(config, metadata), default=str)),
        }
        if (acts := configurable.get(ACTS)) is not None:
            document["metadata"][SAVED] = acts.contained(namespace, checkpoint["id"])
        turn = document["metadata"].get(TURN) if not namespace else None
        of = _thread_checkpoint(configurable) or ("subgraph" if namespace else "thread")
        what = (json.dumps(document), self._ttl_s, checkpoint["id"], json.dumps(turn) if turn else "", of)
        self._fenced(self._put, thread_id, namespace, configurable.get(FENCE), *what)
        stored_at = {"thread_id": thread_id, "checkpoint_ns": namespace, "checkpoint_id": checkpoint["id"]}
        return {"configurable": stored_at}

    # For graphs that can only be awaited. Redis is near: a thread of the pool waits for it.
    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await asyncio.to_thread(self.get_tuple, config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    def restore(self, thread_id: str, turn: str, *, fence: Fence | None = None) -> None:
        """Have the memory be what it was before this turn, if anything of it was stored. Safe to repeat.

        Subgraphs that keep a memory of their own (`checkpointer=True`) keep what they have.

        Raises:
            FencedOff: as `put`.
        """
        self._fenced(self._restore, thread_id, "", fence, json.dumps(turn), WRITES_IDX_MAP[INTERRUPT])

    def _fenced(self, script: Script, thread_id: str, namespace: str, fence: Fence | None, *what: str | int) -> None:
        fence = fence or Fence("", "", "")
        key = self._make_shallow_redis_checkpoint_key_cached(thread_id, namespace)
        keys = [key, _registry(thread_id, namespace), fence.key or key, f"{key}{_BEFORE}", self._subgraphs(thread_id)]
        if not self._kept(lambda: script(keys=keys, args=[fence.field, fence.value, *what])):
            raise FencedOff(thread_id)

    def _list_writes(self, configurable: Mapping[str, Any]) -> None:
        """Before there are any, so that none is left that nobody knows of."""
        checkpoint_id = _thread_checkpoint(configurable)
        if checkpoint_id is None:
            return
        thread_id = configurable["thread_id"]
        key = self._subgraphs(thread_id)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(key, _registry(thread_id, configurable["checkpoint_ns"]), checkpoint_id)
            pipe.expire(key, self._ttl_s)
            pipe.execute()

    def _subgraphs(self, thread_id: str) -> str:
        return f"{self._make_shallow_redis_checkpoint_key_cached(thread_id, '')}{_SUBGRAPHS}"

    def _kept(self, step: Callable[[], T]) -> T:
        return kept(step, self._patience)

    def forget(self, thread_id: str) -> int:
        """Forget the thread, with its subgraphs, and return how many there were: 1, or 0. Safe to repeat."""
        known = int(self._redis.exists(self._make_shallow_redis_checkpoint_key_cached(thread_id, "")))
        self.delete_thread(thread_id)
        return known

    def delete_thread(self, thread_id: str) -> None:
        """Forget the thread, with its subgraphs. Safe to repeat."""
        for pattern in (f"{self._checkpoint_prefix}:{_escaped(thread_id)}:*", _registry(_escaped(thread_id), "*")):
            for key in self._redis.scan_iter(match=pattern, count=1000):
                self._delete(key)

    def _delete(self, key: bytes) -> None:
        if key.endswith(b":shallow"):
            self._redis.delete(*self._redis.zrange(key, 0, -1), key)
        else:
            self._redis.delete(key)

    def _load_pending_writes(self, thread_id: str, checkpoint_ns: str, checkpoint_id: str) -> list[PendingWrite]:
        """The writes of this checkpoint: the library's takes all that the thread ever made, and applies them again."""
        keys = [key.decode() for key in self._redis.zrange(_registry(thread_id, checkpoint_ns), 0, -1)]  # type: ignore[union-attr]
        current = [key for key in keys if f":{checkpoint_id}:" in key]
        if not current:
            return []
        with self._redis.pipeline(transaction=False) as pipe:
            for key in current:
                pipe.json().get(key)
            documents = [document for document in pipe.execute() if document]
        documents.sort(key=lambda document: (document["task_path"], document["task_id"], document["idx"]))
        return self._load_writes(self.serde, {(each["task_id"], each["idx"]): each for each in documents})

    def _dump_checkpoint(self, checkpoint: Checkpoint) -> dict[str, Any]:
        kind, packed = self.serde.dumps_typed(checkpoint.get("channel_values", {}))
        plain: dict[str, Any] = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        plain = json.loads(json.dumps(plain, default=list))
        plain["channel_values"] = {_BLOB: [kind, base64.b64encode(packed).decode()]}
        return plain

    def _deserialize_channel_values(self, channel_values: dict[str, Any]) -> dict[str, Any]:
        kind, packed = channel_values[_BLOB]
        values: dict[str, Any] = self.serde.loads_typed((kind, base64.b64decode(packed)))
        return values

    # The library remembers key names in an OrderedDict that threads may not share.
    def _make_shallow_redis_checkpoint_key_cached(self, thread_id: str, checkpoint_ns: str) -> str:
        return f"{self._checkpoint_prefix}:{thread_id}:{checkpoint_ns}"

    def _make_redis_checkpoint_writes_key_cached(
        self, thread_id: str, checkpoint_ns: str, checkpoint_id: str, task_id: str, idx: int | None
    ) -> str:
        return self._make_redis_checkpoint_writes_key(thread_id, checkpoint_ns, checkpoint_id, task_id, idx)


def _thread_checkpoint(configurable: Mapping[str, Any]) -> str | None:
    """The checkpoint of the thread in whose step a subgraph runs; None: it is no single run of a subgraph's."""
    is_of_one_run = _OF_A_TASK in configurable.get("checkpoint_ns", "")
    parents: Mapping[str, str] = configurable.get("checkpoint_map", {})
    return parents.get("") if is_of_one_run else None


def _registry(thread_id: str, namespace: str) -> str:
    """The library's sorted set of the keys of a thread's pending writes."""
    return f"write_registry:{thread_id}:{to_storage_safe_str(namespace)}:shallow"


def _escaped(pattern: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", pattern)
