"""Who may do what to whose things: every set of scopes on every route, about three teams' objects.

The routes come from the application; tests/gateway/api/route_table.py says what each must do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import combinations
from typing import Any

import msgspec
import pytest
from litestar import get

from gateway import app
from gateway.api import exchange, jobs, ledger, routes
from gateway.api.cursors import Cursors
from gateway.api.idempotency import mark_of
from gateway.api.keys import Keys as KeyRoutes
from gateway.api.ledger import Usage
from gateway.api.lists import caller_of
from gateway.store.connection import Store
from gateway.vault.credentials import Credential
from gateway.vault.keys import SCOPES
from providers.simulator.testing import running_simulator
from tests.gates.conftest import Campaign
from tests.gateway.api.route_table import ADMIN, ANY, OPEN, TABLE, Entry, Side, check_table
from tests.gateway.api.two_teams import SIDES, Answer, Stage, two_teams
from tests.gateway.conftest import ADMIN_KEY, make_settings, running_gateway

Held = frozenset[str] | None
Keys = list[tuple[Held, str | None]]
MOST = len(SCOPES)
EVERY_SIZE = range(1, MOST + 1)
# Whatever one scope opens or the lack of one shuts.
TELLING_SIZES = (1, MOST - 1, MOST)


def sets_of(sizes: Iterable[int]) -> list[frozenset[str]]:
    return [frozenset(several) for size in sizes for several in combinations(SCOPES, size)]


@asynccontextmanager
async def staged(store_url: str) -> AsyncIterator[Stage]:
    async with running_simulator() as simulator:
        settings = make_settings(store_url, simulator, only=())
        async with (
            running_gateway(settings, simulator) as gateway,
            two_teams(gateway.url) as stage,
        ):
            yield stage


@pytest.fixture
async def stage(store: Store, store_url: str) -> AsyncIterator[Stage]:
    async with staged(store_url) as opened:
        yield opened


async def keys_of(stage: Stage, sets: Iterable[frozenset[str]]) -> Keys:
    """A key of our team for each set of scopes, no key, and one that was revoked."""
    team, found = stage.sides["ours"].ids["team_id"], []
    for scopes in sets:
        body = {"name": "k", "scopes": sorted(scopes), "team_id": team}
        made = await stage.make("key_id", body)
        found.append((scopes, made["key"]))
    dead = await stage.make("key_id", {"name": "k", "scopes": list(SCOPES), "team_id": team})
    await stage.send("DELETE", f"/v1/admin/keys/{dead['id']}", ADMIN_KEY)
    return [*found, (None, None), (None, dead["key"])]


def check_cell(stage: Stage, entry: Entry, side: Side, held: Held, reply: Answer) -> None:
    at = SIDES.index(side.name)
    assert reply.status == entry.expected(at, held), "who may do it"
    served = reply.status < 300 and entry.scopes != OPEN
    if entry.scopes != ADMIN or not served:
        shown = {mark for mark in stage.sides["theirs"].marks if mark in reply.text}
        assert not shown, "what is another team's is shown"
    if served and entry.shows and side.name == "ours":
        assert any(mark in reply.text for mark in side.marks), "what is ours is not shown"
    if served and entry.told is not None:
        assert bool(entry.told(reply.json["data"])) == (side.name == "ours"), "whose it is"
    if served and entry.repeats and side.name != "theirs":
        repeated = reply.headers.get("idempotency-replayed") == "true"
        assert repeated == (side.name == "ours"), "a repeat is the team's own"


async def check_route(stage: Stage, label: str, keys: Keys) -> int:
    """All cells of one route; their number. What needs no key has no team's things either."""
    entry, cells = TABLE[label], 0
    for held, key in keys:
        for name in SIDES if entry.scopes != OPEN else ("nobody",):
            side = stage.sides[name]
            if _is_served(entry, held):
                side = await stage.spend(entry, side)
            reply = await stage.ask(label, side, key)
            try:
                check_cell(stage, entry, side, held, reply)
            except AssertionError as error:
                asked = f"{label} about {name} with {sorted(held or ())}"
                raise AssertionError(f"{asked}: {error}\n{reply.status} {reply.text}") from None
            await stage.undo(entry, reply)
            cells += 1
    return cells


def _is_served(entry: Entry, held: Held) -> bool:
    return entry.expected(2, held) not in (401, 403)


async def check_options(stage: Stage, path: str, keys: Keys) -> None:
    """Which methods there are is told to those who may use one."""
    several = [entry.scopes for label, entry in TABLE.items() if label.split()[1] == path]
    entry = Entry(scopes=frozenset().union(*several), answers=(204, 204, 204))
    for held, key in keys:
        reply = await stage.send("OPTIONS", path, key)
        assert reply.status == entry.expected(2, held), (path, held, reply.text)


@pytest.mark.timeout(3600)
async def test_every_set_of_scopes_on_every_route_about_every_teams_things(
    stage: Stage, store_url: str, campaign: Campaign
) -> None:
    check_table(store_url)
    sizes = campaign.size(short=TELLING_SIZES, full=EVERY_SIZE)
    keys = await keys_of(stage, sets_of(sizes))
    assert len(keys) == campaign.size(short=15, full=127) + 2
    cells = {label: await check_route(stage, label, keys) for label in TABLE}
    for path in {label.split()[1] for label in TABLE}:
        await check_options(stage, path, keys[:: len(keys) // 8])
    assert all(count in (len(keys), 3 * len(keys)) for count in cells.values())
    campaign.tell(
        f"roles: {len(TABLE)} routes x {len(keys)} keys x {len(SIDES)} sides: "
        f"{sum(cells.values())} cells, 0 cross-team reads"
    )


class Anyone(str):
    """Every team at once."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False


def as_anyone(scope: Any) -> Any:
    return msgspec.structs.replace(caller_of(scope), team=Anyone("anyone"))


def of_no_team(scope: Any, *args: Any, **more: Any) -> Any:
    caller = msgspec.structs.replace(scope["caller"], team="")
    return mark_of({**scope, "caller": caller}, *args, **more)


def of_any_team(self: Cursors, text: str, **_: Any) -> Any:
    return self._open(text)


# Where, what, by what, on which route it shows, and of what nature it is.
Mutant = tuple[object, str, object, str, str]
MUTANTS: dict[str, Mutant] = {
    "a scope is not asked for": (Usage, "opt", {"scope": None}, "GET /v1/usage", "may do it"),
    "another scope is asked for": (
        KeyRoutes,
        "opt",
        {"scope": "jobs"},
        "GET /v1/admin/keys",
        "may do",
    ),
    "a route is open": (
        routes.Routes,
        "opt",
        {"scope": "open"},
        "GET /v1/admin/routes",
        "may do it",
    ),
    "a job is anyone's": (
        jobs,
        "caller_of",
        as_anyone,
        "GET /v1/jobs/{job_id}",
        "may do it",
    ),
    "usage is everyone's": (
        ledger,
        "caller_of",
        lambda scope: msgspec.structs.replace(caller_of(scope), team=None),
        "GET /v1/usage",
        "another team's",
    ),
    "a cursor is anyone's": (Cursors, "read", of_any_team, "POST /v1/contacts/search", "may do"),
    "a repeat is anyone's": (
        exchange,
        "mark_of",
        of_no_team,
        "POST /v1/emails/find",
        "may do it",
    ),
    "an account is anyone's": (
        Credential,
        "serves",
        lambda self, _team: self.enabled,
        "GET /v1/providers/{name}",
        "whose it is",
    ),
}


FEW = [ANY, *(frozenset({scope}) for scope in SCOPES)]


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_hole_in_it_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place, attribute, mutant, label, nature = MUTANTS[name]
    monkeypatch.setattr(place, attribute, mutant)
    async with staged(store_url) as stage:
        with pytest.raises(AssertionError, match=nature):
            await check_route(stage, label, await keys_of(stage, FEW))


@get("/v1/admin/forgotten", opt={"scope": "admin"})
async def forgotten() -> None:
    """A route that nobody told the table of."""


async def test_a_route_without_an_entry_and_an_entry_without_a_route_are_noticed(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(AssertionError, match="not know"):
        patched.setattr(app, "CONTROLLERS", [*app.CONTROLLERS, forgotten])
        check_table(store_url)
    gone = [one for one in app.CONTROLLERS if one is not Usage]
    monkeypatch.setattr(app, "CONTROLLERS", gone)
    with pytest.raises(AssertionError, match="no more"):
        check_table(store_url)
