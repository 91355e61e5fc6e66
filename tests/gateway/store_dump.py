"""All that a store holds, as bytes to look through or to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.store.connection import Store

READ: dict[bytes, tuple[Any, ...]] = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"list": ("LRANGE", 0, -1),
    b"stream": ("XRANGE", "-", "+"),
}


async def contents(store: Store) -> dict[bytes, bytes]:
    """Every key, and its value uncompressed."""
    found = {}
    async for key in store.scan("*"):
        command, *rest = READ[await store.call("TYPE", key)]
        found[key] = flat(await store.call(command, key, *rest))
    return found


async def everything_in(store: Store) -> bytes:
    return b"".join(key + value for key, value in (await contents(store)).items())


def flat(value: Any) -> bytes:
    return b"".join(map(flat, value)) if isinstance(value, list) else value or b""


def files_below(folder: Path) -> bytes:
    """Every file's bytes: append-only files, journals and whatever else lies there."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
