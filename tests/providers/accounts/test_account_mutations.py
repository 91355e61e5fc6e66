"""Replies of account objects with bytes and members changed: read right, or refused by name."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from providers.accounts.objects import Done, Listed
from providers.errors import ProviderError
from tests.providers.accounts.stage import Case, Played, cases, perform

MUTATIONS = 1000
RECORDED = [entry for entry in cases() if entry[2]["reply"]]
STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1.5, "", "null", "\ud83d\ude00", [], {}, [[]], {"a": {}}, "9" * 400,
)  # fmt: skip


def mutated(body: bytes, reply: Any, random: Random) -> bytes:
    """With a byte changed, cut or doubled, or with a member replaced, left out or renamed."""
    if random.random() < 0.4:
        at = random.randrange(len(body))
        part = random.choice([b"", bytes([random.randrange(256)]), body[at : at + 9] * 2])
        return body[:at] + part + body[at + 1 :]
    copied = json.loads(body)
    _change(copied, random)
    return json.dumps(copied).encode()


def _change(value: Any, random: Random) -> None:
    """Somewhere inside: deep places are as likely as shallow ones."""
    places = list(_places(value))
    if not places:
        return
    holder, key = random.choice(places)
    match random.randrange(3), holder:
        case 0, dict():
            holder[f"{key}x"] = holder.pop(key)
        case 1, _:
            del holder[key]
        case _:
            holder[key] = random.choice(STRANGE)


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


@pytest.mark.parametrize(
    "provider, action, case",
    RECORDED,
    ids=[f"{p}-{a}-{i}" for i, (p, a, _) in enumerate(RECORDED)],
)
async def test_a_mutated_reply_is_read_or_refused_and_never_trips(
    provider: str, action: str, case: Case
) -> None:
    random = Random(f"{provider} {action}")
    body = json.dumps(case["reply"]).encode()
    read = 0
    for _ in range(MUTATIONS):
        stage = Played(mutated(body, case["reply"], random), case["status"])
        try:
            found = await perform(provider, action, case["given"], stage)
        except ProviderError:
            continue
        assert isinstance(found, Done | Listed)
        read += 1
    assert 0 < read < MUTATIONS
