"""Whether a store can be trusted with money: what is wrong with it and how to mend that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

import msgspec

from gateway.store.connection import ResponseError, Store, StoreDown, StoreRefused

OLDEST = (7, 0)
# Shares of `maxmemory`: the first is warned of, from the second on no job begins.
CROWDED, FULL = 0.8, 0.9
SCHEMA = 1
PROBE_KEY = "{pgw}:probe"
SCHEMA_KEY = "{pgw}:schema_version"

# setting → finding, the one safe value, what any other value costs
DEMANDS = {
    "appendonly": ("persistence", "yes", "a restart of the store forgets budgets and charges"),
    "appendfsync": ("fsync", "always", "a power cut forgets calls that were already paid for"),
    "maxmemory-policy": ("eviction", "noeviction", "a full store throws away the ledger"),
}


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong; `name` is what GATEWAY_STORE_ACCEPT_RISK accepts it by."""

    name: str
    message: str
    accepted: bool = False


async def inspect(store: Store, accept: Collection[str]) -> list[Finding]:
    """What is wrong with the store, in a fixed order; empty if it is safe.

    Leaves a probe key behind that lives a minute and, in a new store, the schema version.
    """
    found: list[Finding] = []
    try:
        facts = await _read_facts(store)
        found += _judge_version(facts)
        found += _judge_settings(await _read_settings(store), facts)
        found += await _check_writes(store, facts)
        found += await _check_schema(store)
    except StoreDown as down:
        message = f"{down}; start the store, or correct GATEWAY_STORE_URL"
        found.append(Finding("unreachable", message))
    return [msgspec.structs.replace(each, accepted=each.name in accept) for each in found]


async def memory_used(store: Store) -> float:
    """The share of its `maxmemory` that the store uses; 0 if it has none, or hides it.

    Raises StoreDown.
    """
    try:
        text = (await store.call("INFO", "memory")).decode()
    except ResponseError:
        return 0.0
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    limit = int(facts.get("maxmemory", 0))
    return int(facts["used_memory"]) / limit if limit else 0.0


async def warn(store: Store) -> list[Finding]:
    """What is not wrong yet, but will be. Raises StoreDown."""
    used = await memory_used(store)
    if used < CROWDED:
        return []
    message = (
        f"the store uses {used:.0%} of its maxmemory; raise it, or shorten [retention]: "
        f"from {FULL:.0%} on new jobs are refused"
    )
    return [Finding("memory", message)]


async def _read_facts(store: Store) -> dict[str, str]:
    """The lines of INFO; none if it is forbidden."""
    try:
        text = (await store.call("INFO")).decode()
    except ResponseError:
        return {}
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


async def _read_settings(store: Store) -> dict[str, str]:
    """The demanded settings as far as the store tells them."""
    # One by one: CONFIG GET takes several names only since Redis 7.0.
    calls = [store.call("CONFIG", "GET", name) for name in DEMANDS]
    replies = await asyncio.gather(*calls, return_exceptions=True)
    settings = {}
    for reply in replies:
        if isinstance(reply, BaseException):
            if not isinstance(reply, ResponseError):
                raise reply
        elif reply:
            settings[reply[0].decode()] = reply[1].decode()
    return settings


def _judge_version(facts: dict[str, str]) -> list[Finding]:
    # Valkey goes on reporting redis_version 7.2.4, for clients that ask.
    version = facts.get("valkey_version") or facts.get("redis_version", "")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version))
    if not numbers or numbers >= OLDEST:
        return []
    message = f"the store is version {version}; use Redis 7.0 or later, or Valkey"
    return [Finding("version", message)]


def _judge_settings(settings: dict[str, str], facts: dict[str, str]) -> list[Finding]:
    """What CONFIG tells, else what INFO tells; what neither does stays unchecked."""
    told = _to_settings(facts) | settings
    found = []
    for setting, (name, safe, loss) in DEMANDS.items():
        if told.get(setting, safe) != safe:
            message = (
                f"the store runs with `{setting} {told[setting]}`: {loss}; "
                f"set `{setting} {safe}` in its configuration"
            )
            found.append(Finding(name, message))
    missing = [setting for setting in DEMANDS if setting not in settings]
    if missing or not facts:
        hidden = ", ".join([*missing, *([] if facts else ["version and role"])])
        message = (
            f"the store hides {hidden}; let its user run CONFIG GET and INFO, or make sure of "
            "them yourself and set GATEWAY_STORE_ACCEPT_RISK=unchecked"
        )
        found.append(Finding("unchecked", message))
    return found


def _to_settings(facts: dict[str, str]) -> dict[str, str]:
    settings = {}
    if "aof_enabled" in facts:
        settings["appendonly"] = "yes" if facts["aof_enabled"] == "1" else "no"
    if "maxmemory_policy" in facts:
        settings["maxmemory-policy"] = facts["maxmemory_policy"]
    return settings


async def _check_writes(store: Store, facts: dict[str, str]) -> list[Finding]:
    if facts.get("role") == "slave":
        message = "the store is a replica of another; point GATEWAY_STORE_URL at the primary"
        return [Finding("writable", message)]
    try:
        await store.call("SET", PROBE_KEY, 1, "EX", 60)
    except (ResponseError, StoreRefused) as error:
        message = f"the store cannot be written ({error}); free it, or grant its user all commands"
        return [Finding("writable", message)]
    return []


async def _check_schema(store: Store) -> list[Finding]:
    try:
        await store.call("SET", SCHEMA_KEY, SCHEMA, "NX")
        found = await store.call("GET", SCHEMA_KEY)
    except (ResponseError, StoreRefused):
        return []  # a store that cannot be written was found out already
    version = (found or b"none").decode()
    if version.isdigit() and int(version) <= SCHEMA:
        return []
    message = (
        f"the data in the store has schema {version}, this gateway knows {SCHEMA}; "
        "run the release that wrote it, or a later one"
    )
    return [Finding("schema", message)]
