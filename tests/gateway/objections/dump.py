"""Every byte that a store holds, to be searched for a person."""

from __future__ import annotations

from typing import Any

from gateway.store.connection import Store

READS = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"stream": ("XRANGE", "-", "+"),
}


class Dump:
    """Keys and values, lower-case; `in` says whether a text is anywhere in them."""

    def __init__(self, held: dict[bytes, bytes]):
        self.held = held

    @classmethod
    async def of(cls, store: Store) -> Dump:
        held = {}
        async for key in store.scan("*"):
            kind = await store.call("TYPE", key)
            if read := READS.get(kind):
                command, *more = read
                held[key] = b"\n".join(_flat(await store.call(command, key, *more))).lower()
        return cls(held)

    def __contains__(self, text: str) -> bool:
        return bool(self.keys_with(text))

    def keys_with(self, text: str) -> list[str]:
        needle = text.lower().encode()
        return [key.decode() for key, value in self.held.items() if needle in value + b"\n" + key]


def _flat(value: Any) -> list[bytes]:
    if isinstance(value, list):
        return [part for item in value for part in _flat(item)]
    return [value] if isinstance(value, bytes) else []
