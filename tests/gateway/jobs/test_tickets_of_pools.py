"""A row that is taken over may be given another account: it still finds the ticket that it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.jobs.sweeper import Sweeper
from gateway.lookup import market
from gateway.lookup.calls import Call
from gateway.store.connection import Store
from gateway.store.script import Script
from gateway.vault.credentials import Credential
from providers.simulator.accounts import Account
from tests.gateway.jobs.conftest import StartWorker, Worker, outlive_leases
from tests.gateway.jobs.rows import asked, stage
from tests.gateway.jobs.test_jobs_of_dead_processes import HIT, told
from tests.gateway.lookup.scene import NOTHING, SIXTYFOUR_POLL, SIXTYFOUR_START, Scene
from tests.gateway.money.books import entries

__all__ = ["stage"]

OWN, COMMON = "cred_own", "env-sixtyfour"


class Chooser:
    """Which account is the next to be asked."""

    def __init__(self) -> None:
        self.wanted = OWN

    def __call__(self, several: Sequence[Credential]) -> Credential:
        return next(item for item in several if item.id == self.wanted)


@pytest.fixture
def chooser(monkeypatch: pytest.MonkeyPatch) -> Chooser:
    """Nor does anybody else collect what a dead process leaves behind."""
    made = Chooser()
    monkeypatch.setattr(market, "choose", made)
    monkeypatch.setattr(Sweeper, "run", never)
    return made


async def never(_: Sweeper) -> None:
    """Sweeps nothing."""


async def open_own(worker: Worker, stage: Scene) -> None:
    """An account for the team alone, beside the one for everybody."""
    account = Account(provider="sixtyfour", name=OWN)
    stage.simulator.app.stage.accounts.put("own-key", account)
    held = Credential(
        id=OWN,
        provider="sixtyfour",
        name="own",
        base_url=stage.simulator.endpoints.sixtyfour,
        secret={"api_key": "own-key"},
        team_ids=("default",),
    )
    await worker.process.kept.put(held)
    await worker.desk.market.changed()


async def take_over(
    start_worker: StartWorker, stage: Scene, store: Store, chooser: Chooser
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker()
    await open_own(worker, stage)
    name = await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])
    await asked(stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    stage.heal()
    await outlive_leases(store)
    chooser.wanted = COMMON
    heir = await start_worker(work=True)
    steps = [("sixtyfour", "accepted")]
    assert told(await heir.ended(name)) == ("accepted", HIT, NOTHING, steps)
    await Sweeper(heir.desk).sweep()
    assert stage.requests(SIXTYFOUR_START) == 1
    assert [row.account for row in stage.simulator.bill.rows] == [OWN]
    [bought] = await entries(store)
    kept = [key async for key in store.scan("{pgw}:live:cache:*")]
    assert [key.decode().rpartition(":")[2] for key in kept] == [bought["slot"]]


async def test_a_row_finds_its_ticket_with_another_account(
    start_worker: StartWorker, stage: Scene, store: Store, chooser: Chooser
) -> None:
    await take_over(start_worker, stage, store, chooser)


async def test_a_row_that_looks_with_its_own_account_alone_is_noticed(
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    chooser: Chooser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load, guard = Script.load, "for _, slot in ipairs(s.others) do"

    def blind(name: str) -> Script:
        script = load(name)
        assert script.shifted is not None
        sources = [one.source.replace(guard, "for _, slot in ipairs({}) do")
                   for one in (script, script.shifted)]  # fmt: skip
        return Script.of(name, sources[0], shifted=Script.of(name, sources[1]))

    assert guard in load("admit").source
    monkeypatch.setattr(Script, "load", blind)
    with pytest.raises(AssertionError):
        await take_over(start_worker, stage, store, chooser)


async def test_an_answer_that_is_kept_for_others_is_noticed(
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    chooser: Chooser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stubborn(Call):
        def __setattr__(self, name: str, value: Any) -> None:
            if name != "slot" or "slot" not in self.__dict__:
                super().__setattr__(name, value)

    monkeypatch.setattr("gateway.lookup.descent.Call", Stubborn)
    with pytest.raises(AssertionError):
        await take_over(start_worker, stage, store, chooser)
