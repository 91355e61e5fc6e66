"""Accounts that are for some teams alone: what one bought serves its team with the others, too."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, NamedTuple

import httpx
import pytest

from gateway.lookup import market
from gateway.store.script import Script
from gateway.vault.credentials import Credential
from providers.simulator.population import Person
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import HUNTER_FIND, Scene, attempts, body_of
from tests.gateway.lookup.test_pools_of_credentials import CREDENTIALS, add, open_account, payers

ROUTE = {"providers": ["hunter"]}
TIMES = 4
BOUGHT, KEPT = ("hunter", "accepted", False), ("hunter", "accepted", True)


class Site(NamedTuple):
    """`own` and `other` are clients of two teams; the first has two accounts of its own."""

    scene: Scene
    own: httpx.AsyncClient
    other: httpx.AsyncClient
    ids: dict[str, str]


Check = Callable[[Site], Awaitable[None]]


@pytest.fixture
async def site(start_scene: StartScene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Beside them there is one for everybody; they are chosen in turn."""
    turns = count()
    monkeypatch.setattr(market, "choose", lambda several: several[next(turns) % len(several)])
    scene = await start_scene(only=("hunter",))
    team, gateway = await scene.gateway.team(), scene.gateway
    for key in ("one", "two"):
        open_account(scene, key)
    ids = {key: await add(scene, key, team_ids=[team]) for key in ("one", "two")}
    async with (
        gateway.caller(await gateway.key(team)) as own,
        gateway.caller(await gateway.key(await gateway.team())) as other,
    ):
        yield Site(scene, own, other, ids)


async def ask(client: httpx.AsyncClient, person: Person) -> httpx.Response:
    body = {**body_of(person), "routing": ROUTE}
    return await client.post("/v1/emails/find", json=body)


def told(reply: httpx.Response) -> list[tuple[str, str, bool]]:
    rows = reply.json()["meta"]["attempts"]
    return [(one["provider"], one["outcome"], one["cached"]) for one in rows]


async def what_one_bought_is_known_with_all(site: Site) -> None:
    for _ in range(TIMES):
        person = site.scene.person(hunter="valid")
        replies = [await ask(site.own, person) for _ in range(TIMES)]
        assert [told(reply) for reply in replies] == [[BOUGHT]] + [[KEPT]] * (TIMES - 1)
    assert len(set(payers(site.scene))) > 1
    assert site.scene.charges() == TIMES


async def a_call_under_way_is_joined(site: Site) -> None:
    site.scene.slow_down("hunter", call=0.2)
    person = site.scene.person(hunter="valid")
    await asyncio.gather(*[ask(site.own, person) for _ in range(3 * TIMES)])
    assert site.scene.charges() == 1


async def a_doubt_is_one_with_all(site: Site) -> None:
    site.scene.fault("hunter", "charge_without_reply", path=HUNTER_FIND)
    person = site.scene.person(hunter="valid")
    await ask(site.own, person)
    site.scene.heal()
    for _ in range(TIMES):
        assert attempts(await ask(site.own, person)) == [("hunter", "in_doubt", None)]
    assert site.scene.requests(HUNTER_FIND) == 1


async def what_one_bought_is_known_without_it(site: Site) -> None:
    people = [site.scene.person(hunter="valid") for _ in range(3)]
    for person in people:
        await ask(site.own, person)
    assert len(set(payers(site.scene))) == 3
    for name in site.ids.values():
        await site.scene.gateway.client.patch(f"{CREDENTIALS}/{name}", json={"enabled": False})
    for person in people:
        assert told(await ask(site.own, person)) == [KEPT]
    assert site.scene.charges() == 3


async def what_is_a_teams_own_is_nobody_elses(site: Site) -> None:
    """What the account for everybody bought is everybody's."""
    people = [site.scene.person(hunter="valid") for _ in range(3)]
    bought = Counter[bool]()
    for person in people:
        assert told(await ask(site.own, person)) == [BOUGHT]
        common = payers(site.scene)[-1] not in site.ids
        assert told(await ask(site.other, person)) == [KEPT if common else BOUGHT]
        bought[common] += 1
    assert bought == {True: 1, False: 2}


async def a_list_goes_on_with_the_account_that_it_began_with(site: Site) -> None:
    people = site.scene.simulator.world.people
    [(domain, _)] = Counter(one.company.domain for one in people).most_common(1)
    body = {"domain": domain, "limit": 10, "routing": ROUTE}
    first, again = [await site.own.post("/v1/domains/search", json=body) for _ in range(2)]
    assert (first.json()["meta"]["cached"], again.json()["meta"]["cached"]) == (False, True)
    more = {**body, "cursor": again.json()["meta"]["next_cursor"]}
    following = await site.own.post("/v1/domains/search", json=more)
    assert not following.json()["meta"]["cached"], following.text
    assert len(set(payers(site.scene))) == 1


BLIND = ("for _, slot in ipairs(s.others) do", "for _, slot in ipairs({}) do")
CHECKS: list[tuple[Check, tuple[str, str]]] = [
    (what_one_bought_is_known_with_all, BLIND),
    (a_call_under_way_is_joined, BLIND),
    (a_doubt_is_one_with_all, BLIND),
    (what_one_bought_is_known_without_it, BLIND),
    (a_list_goes_on_with_the_account_that_it_began_with, ("credential = c[6] or ''", "")),
]


@pytest.mark.parametrize(
    "check", [*(check for check, _ in CHECKS), what_is_a_teams_own_is_nobody_elses]
)
async def test_a_team_with_accounts_of_its_own(site: Site, check: Check) -> None:
    await check(site)


@pytest.fixture
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comes before the gateway, which loads the scripts."""
    load, change = Script.load, request.param
    assert change[0] in load("admit").source

    def loaded(name: str) -> Script:
        return Script.of(name, load(name).source.replace(*change))

    monkeypatch.setattr(Script, "load", loaded)


@pytest.mark.parametrize("check, broken", CHECKS, indirect=["broken"])
async def test_a_pool_whose_accounts_do_not_know_of_each_other_is_noticed(
    broken: None, site: Site, check: Check
) -> None:
    with pytest.raises(AssertionError):
        await check(site)


async def test_answers_that_everybody_is_served_are_noticed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Credential, "is_for", lambda *_: True)
    monkeypatch.setattr(
        Credential, "serves", lambda self, team: not self.team_ids or team in self.team_ids
    )
    await site.scene.gateway.client.post(CREDENTIALS, json=EXTRA)
    with pytest.raises(AssertionError):
        await what_is_a_teams_own_is_nobody_elses(site)


# Has every process read the accounts anew.
EXTRA = {"provider": "snov", "name": "extra", "secret": {"client_id": "a", "client_secret": "b"}}
