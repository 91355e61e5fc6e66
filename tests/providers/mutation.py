"""Replies spoilt at random from a seed, in their bytes and in their members."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

# What a member may become: every kind of JSON value, and the odd ones among them.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**30, 1.5, 1e308, "", " ", "null", "\x00", "\ud83d\ude00"),
    *("x" * 5000, "brand_new_word", "2021-02-30", "https://[", "+", "@", [], {}, [[]], [None]),
    *({"": None}, [[[[[]]]]], ["a", 1, None], {"date": "x", "timezone_type": 9}),
)
BYTES = b'\x00"{}[],:\\ue0-9\xff\xc3\xed\xa0\x80'


def spoil(body: bytes, random: Random) -> bytes:
    """One of several kinds of damage, or a few one after another."""
    for _time in range(random.choice((1, 1, 1, 2, 4))):
        body = random.choice(_KINDS)(body, random)
    return body


def _flip(body: bytes, random: Random) -> bytes:
    at = random.randrange(len(body) + 1)
    return body[:at] + bytes([random.choice(BYTES)]) + body[at + random.randrange(3) :]


def _cut(body: bytes, random: Random) -> bytes:
    start, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
    return body[:start] + body[end:]


def _repeat(body: bytes, random: Random) -> bytes:
    start, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
    return body[:end] + body[start:]


def _restructure(body: bytes, random: Random) -> bytes:
    """Change one member of the reply, which stays JSON."""
    try:
        root = json.loads(body)
    except ValueError:
        return _flip(body, random)
    holder = {"root": root}
    places = list(_places(holder))
    container, key = random.choice(places)
    random.choice(_CHANGES)(container, key, random)
    return json.dumps(holder.get("root")).encode()


def _places(value: Any) -> Any:
    """Every member of every container, with its container."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in list(members):
        yield value, key
        if isinstance(member, dict | list):
            yield from _places(member)


def _replace(container: Any, key: Any, random: Random) -> None:
    container[key] = copy.deepcopy(random.choice(VALUES))


def _drop(container: Any, key: Any, _random: Random) -> None:
    del container[key]


def _rename(container: Any, key: Any, _random: Random) -> None:
    if isinstance(container, dict):
        container[f"new_{key}"] = container.pop(key)
    else:
        container.insert(key, container[key])


def _wrap(container: Any, key: Any, random: Random) -> None:
    container[key] = random.choice(([container[key]], {"data": container[key]}))


_CHANGES: tuple[Callable[[Any, Any, Random], None], ...] = (
    _replace, _replace, _replace, _drop, _rename, _wrap,
)  # fmt: skip
_KINDS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _restructure, _restructure, _restructure, _restructure, _flip, _cut, _repeat,
)  # fmt: skip
