"""Every administrative route but the reading ones leaves its line on the trail, and no value."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from gateway.api import credentials, keys
from providers.simulator.faults import Fault
from tests.gateway.api.route_table import ADA, TABLE
from tests.gateway.api.two_teams import Answer, Stage, two_teams
from tests.gateway.conftest import ADMIN_KEY, GatewayFactory

FIND = "/v1/emails/find"
CHANGES = [label for label in TABLE if "/v1/admin/" in label and not label.startswith("GET")]


@pytest.fixture
async def stage(start_gateway: GatewayFactory) -> AsyncIterator[Stage]:
    gateway = await start_gateway(only=())
    assert gateway.simulator is not None
    async with two_teams(gateway.url) as teams:
        gateway.simulator.faults.put(Fault(provider="hunter", kind="charge_without_reply"))
        teams.sides["theirs"].ids["entry_id"] = await doubt(teams)
        gateway.simulator.faults.clear()
        yield teams


async def doubt(stage: Stage) -> str:
    """The entry of a purchase whose answer is lost."""
    routing = {"providers": ["hunter"], "max_age": 0}
    reply = await stage.send("POST", FIND, stage.keys["theirs"], json={**ADA, "routing": routing})
    assert reply.status == 502, reply.text
    query = {"state": "in_doubt"}
    found = await stage.send("GET", "/v1/admin/ledger", ADMIN_KEY, params=query)
    return str(found.json["data"][0]["id"])


async def trail(stage: Stage) -> list[dict[str, Any]]:
    reply = await stage.send("GET", "/v1/admin/audit", ADMIN_KEY, params={"limit": 100})
    found: list[dict[str, Any]] = reply.json["data"]
    # Erasures end in the background, whenever they do.
    return [one for one in found if one["actor"] != "gateway"]


def leaves(value: Any) -> Iterator[str]:
    """Every text and number in a body."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield str(value)


async def check_change(stage: Stage, label: str) -> Answer:
    """The route does what it does about another team's object, and the trail says so."""
    entry = TABLE[label]
    assert entry.recorded, f"{label} has no name on the trail"
    side = await stage.spend(entry, stage.sides["theirs"])
    before = {one["id"] for one in await trail(stage)}
    reply = await stage.ask(label, side, stage.keys["ours"])
    assert reply.status < 300, reply.text
    fresh = [one for one in await trail(stage) if one["id"] not in before]
    assert [one["action"] for one in fresh] == [entry.recorded], f"{label} is not on the trail"
    assert fresh[0]["actor"] == stage.sides["ours"].ids["key_id"]
    body = entry.body(side) if entry.body else {}
    shown = fresh[0]["fields"]
    assert set(shown) <= {*body, "key"}
    # The ids of what was changed are no values of it.
    values = {*leaves(body), *leaves(reply.json and reply.json["data"])} - set(side.ids.values())
    values -= {*body}  # An objection says of what kind it is: as the member is called.
    assert not values & set(shown), "a value is on the trail"
    return reply


async def test_every_change_is_on_the_trail(stage: Stage) -> None:
    assert len(CHANGES) > 10
    for label in CHANGES:
        await stage.undo(TABLE[label], await check_change(stage, label))


async def unrecorded(*_: Any) -> None:
    """Forgets."""


def all_of(body: Any) -> list[str]:
    return [str(getattr(body, name)) for name in body.__struct_fields__]


KEY, ACCOUNT = "PATCH /v1/admin/keys/{key_id}", "PATCH /v1/admin/credentials/{credential_id}"
MUTANTS: list[tuple[object, str, object, str, str]] = [
    (keys, "record", unrecorded, KEY, "not on the trail"),
    (credentials, "record", unrecorded, ACCOUNT, "not on the trail"),
    (keys, "given_in", all_of, KEY, "theirs"),
]


async def test_a_change_that_is_not_told_or_told_too_well_is_noticed(stage: Stage) -> None:
    for place, name, mutant, label, nature in MUTANTS:
        with pytest.MonkeyPatch.context() as patched, pytest.raises(AssertionError, match=nature):
            patched.setattr(place, name, mutant)
            await check_change(stage, label)
