"""The store's files written anew, so that what was deleted from memory is gone from them, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

from gateway.store.connection import ResponseError, Store

# `unknown`: begun, but the store does not tell when it ends.
Fate = Literal["rewritten", "off", "forbidden", "failed", "unknown"]
Beat = Callable[[], Awaitable[None]]
LOOK = 0.05
TRIES = 20


class Rewriting(Struct):
    """What became of the append-only file, of snapshots, and of the log of slow commands."""

    append_only_file: Fate
    snapshot: Fate
    slow_log: Literal["emptied", "forbidden"]


async def rewrite(store: Store, beat: Beat) -> Rewriting:
    """Have all of them written anew and wait for it; `beat` is called meanwhile.

    What another began before counts as nothing: it may still hold what was deleted since. Raises
    StoreDown.
    """
    append_only = await _append_only(store, beat)
    return Rewriting(append_only, await _snapshot(store, beat), await _slow_log(store))


async def _facts(store: Store) -> dict[str, str]:
    """INFO of persistence; none if it is forbidden."""
    try:
        text = (await store.call("INFO", "persistence")).decode()
    except ResponseError:
        return {}
    return dict(line.split(":", 1) for line in text.split() if ":" in line)


async def _idle(store: Store, beat: Beat) -> dict[str, str]:
    """The facts once nothing of the kind is under way."""
    while True:
        facts = await _facts(store)
        if not any(facts.get(name, "0") != "0" for name in BUSY):
            return facts
        await beat()
        await asyncio.sleep(LOOK)


BUSY = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")


async def _append_only(store: Store, beat: Beat) -> Fate:
    if (await _idle(store, beat)).get("aof_enabled") == "0":
        return "off"
    return await _begin(store, beat, "BGREWRITEAOF", "aof_last_bgrewrite_status")


async def _snapshot(store: Store, beat: Beat) -> Fate:
    try:
        schedule = await store.call("CONFIG", "GET", "save")
    except ResponseError:
        return "forbidden"
    if not schedule or not schedule[1]:
        return "off"
    return await _begin(store, beat, "BGSAVE", "rdb_last_bgsave_status")


async def _begin(store: Store, beat: Beat, command: str, verdict: str) -> Fate:
    for _ in range(TRIES):
        facts = await _idle(store, beat)
        try:
            await store.call(command)
        except ResponseError as error:
            if "progress" in str(error):
                continue
            return "forbidden"
        if not facts:
            return "unknown"
        return "rewritten" if (await _idle(store, beat)).get(verdict) == "ok" else "failed"
    return "failed"


async def _slow_log(store: Store) -> Literal["emptied", "forbidden"]:
    """It quotes commands with what they carry; Valkey's, from 8.1 on, the long ones, too."""
    try:
        await store.call("SLOWLOG", "RESET")
        for kind in ("large-request", "large-reply"):
            await store.call("COMMANDLOG", "RESET", kind)
    except ResponseError as error:
        return "emptied" if "unknown command 'COMMANDLOG'" in str(error) else "forbidden"
    return "emptied"
