"""Reservations outlive the waits of their calls; one that is closed has nothing sent for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from gateway.lookup import calls, departures, leases, retries
from gateway.lookup.batching import LINGER
from gateway.money.ledger import Ledger
from gateway.store import script
from providers.base import LONGEST_CALL
from providers.errors import Unavailable
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import SECRETS
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import SNOV_PUSH, SNOV_READ, Scene, attempts, cost
from tests.gateway.lookup.waits import EXPIRED, LONGEST, Waits, waiting
from tests.gateway.money.conftest import clocked, ledger

__all__ = ["clocked", "ledger"]

RAN_OUT = ("snov", "failed", "rate_limited")
CREDENTIALS, BREAKERS = "/v1/admin/credentials", "/v1/admin/providers/snov/breakers"
Check = Callable[[Scene, Waits], Awaitable[None]]


@pytest.fixture
def waits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Waits:
    return waiting(ledger, monkeypatch)


async def staged(start_scene: StartScene, *, paced: bool) -> Scene:
    """With an account that has limits of its own, or none."""
    if not paced:
        return await start_scene(test_clock=True)
    scene = await start_scene(test_clock=True, only=("hunter",))
    body = {"provider": "snov", "name": "paced", "secret": SECRETS["snov"]}
    body |= {"limits": {"per_minute": 6000}}
    reply = await scene.gateway.client.post(CREDENTIALS, json=body)
    assert reply.status_code == 201, reply.text
    return scene


async def find(scene: Scene, *providers: str) -> httpx.Response:
    person = scene.person(hunter="valid", snov="valid")
    return await scene.find(person, providers=providers or ("snov",), order="listed")


async def the_longest_call_is_covered(scene: Scene, waits: Waits) -> None:
    """A free read that fails, a second one, and what is paid, each as long as it may be."""
    scene.fault("snov", "status", path=SNOV_READ, status=503, times=1)
    waits.before = {SNOV_READ: [waits.exchange] * 2, SNOV_PUSH: [waits.exchange]}
    reply = await find(scene)
    assert attempts(reply) == [("snov", "accepted", None)]
    assert waits.before == {SNOV_READ: [], SNOV_PUSH: []}
    assert waits.seen[SNOV_READ][:2] == ["reserved"] * 2
    assert waits.seen[SNOV_PUSH] == ["dispatched"]
    assert cost(reply) == scene.billed() > 0
    assert await waits.states("snov") == ["posted"]


async def what_is_closed_is_not_sent(scene: Scene, waits: Waits) -> None:
    """It costs nothing, is nobody's fault, and the next provider is asked."""
    waits.before = {SNOV_READ: [waits.expire] * 2}
    reply = await find(scene, "snov", "hunter")
    assert attempts(reply) == [RAN_OUT, ("hunter", "accepted", None)]
    alone = await find(scene)
    problem_of(alone, 503, "no_provider_available")
    assert attempts(alone) == [RAN_OUT]
    assert int(alone.headers["retry-after"]) >= 1
    assert (scene.requests(SNOV_READ), scene.requests(SNOV_PUSH)) == (2, 0)
    assert scene.billed("snov") == 0
    assert await waits.states("snov") == ["voided"] * 2
    rows = (await scene.gateway.client.get(BREAKERS)).json()["data"]
    assert {(row["state"], row["fails"]) for row in rows} <= {("closed", 0)}
    assert attempts(await find(scene)) == [("snov", "accepted", None)]


async def what_nobody_closed_is_still_reserved(scene: Scene, waits: Waits) -> None:
    waits.before = {SNOV_READ: [partial(waits.pass_by, EXPIRED, is_swept=False)]}
    waits.before[SNOV_PUSH] = [partial(waits.pass_by, 0.0)]
    reply = await find(scene)
    assert attempts(reply) == [("snov", "accepted", None)]
    assert waits.seen[SNOV_PUSH] == ["dispatched"]
    assert cost(reply) == scene.billed() > 0


CHECKS: list[Check] = [
    the_longest_call_is_covered,
    what_is_closed_is_not_sent,
    what_nobody_closed_is_still_reserved,
]


@pytest.mark.parametrize("paced", [False, True])
@pytest.mark.parametrize("check", CHECKS)
async def test_money_covers_every_request(
    waits: Waits, start_scene: StartScene, check: Check, paced: bool
) -> None:
    await check(await staged(start_scene, paced=paced), waits)


async def kept_by_nobody(*_: Any) -> None:
    """Neither renews nor asks."""


def blamed() -> Unavailable:
    return Unavailable("the reservation is gone")


MUTANTS: dict[str, tuple[Check, bool, Any, str, Any]] = {
    "nothing is renewed": (the_longest_call_is_covered, False, retries, "renew", kept_by_nobody),
    "no time to spare": (the_longest_call_is_covered, False, leases, "LEASE_MARGIN", 0.0),
    "none with permits": (the_longest_call_is_covered, True, leases, "LEASE_MARGIN", 0.0),
    "sent all the same": (what_is_closed_is_not_sent, False, calls, "dispatch", kept_by_nobody),
    "its provider's fault": (what_is_closed_is_not_sent, False, leases, "ran_out", blamed),
    "its account's fault": (what_is_closed_is_not_sent, True, departures, "ran_out", blamed),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_money_that_does_not_cover_is_noticed(
    waits: Waits, start_scene: StartScene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, paced, place, member, mutant = MUTANTS[name]
    monkeypatch.setattr(place, member, mutant)
    scene = await staged(start_scene, paced=paced)
    with pytest.raises(AssertionError):
        await check(scene, waits)


SCRIPTS: dict[str, tuple[Check, str, str]] = {
    "a permit for what is closed": (
        what_is_closed_is_not_sent, "if not state then", "if false then",
    ),
    "nobody knows that it left": (
        the_longest_call_is_covered, "if buys and state == 'reserved' then", "if false then",
    ),
    "a read counts as paid": (
        the_longest_call_is_covered, "if buys and state", "if state",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
async def test_permits_that_do_not_look_are_noticed(
    waits: Waits, start_scene: StartScene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, old, new = SCRIPTS[name]
    read = script._read
    assert old in read("permit"), "the mutant no longer fits the script"

    def rewritten(name: str) -> str:
        return read(name).replace(old, new) if name == "permit" else read(name)

    monkeypatch.setattr(script, "_read", rewritten)
    scene = await staged(start_scene, paced=True)
    with pytest.raises(AssertionError):
        await check(scene, waits)


def lives_longer_than_one_exchange() -> None:
    """Whatever it is given: what goes by beside it is a pause, and a request that fills up."""
    for seconds in (0.05, 2.0, LONGEST_CALL, 300.0, 3600.0):
        longest = min(seconds, LONGEST_CALL) + LONGEST - LONGEST_CALL
        beside = retries.LONGEST_PAUSE + LINGER
        assert leases.lease_of(seconds) > (longest + beside) * 1000, seconds


def test_a_lease_is_longer_than_one_exchange() -> None:
    lives_longer_than_one_exchange()


def test_a_lease_without_a_margin_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_MARGIN", 0.0)
    with pytest.raises(AssertionError):
        lives_longer_than_one_exchange()
