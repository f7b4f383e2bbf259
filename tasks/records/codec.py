"""The one way in which values are written down in Redis, and read back by whichever version of the program."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


class Codec(Generic[T]):
    """A type's values as JSON text. What another version wrote besides is passed over in reading."""

    def __init__(self, kind: Any) -> None:
        """`kind`: a dataclass, or a union of some with a discriminator."""
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def dump(self, value: T) -> str:
        # By json, in ASCII: what a model wrote may hold half a surrogate pair, which has no UTF-8.
        return json.dumps(self._adapter.dump_python(value, by_alias=True))

    def load(self, text: str) -> T:
        """
        Raises:
            ValueError: it is not JSON, or lacks what the type cannot be without.
        """
        return self._adapter.validate_python(json.loads(text))
