"""What a store has forgotten is put back from the journals, once, as it ended."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.money.entries import Books
from gateway.money.journal import Journal
from gateway.money.ledger import Ledger, Outdated
from gateway.money.restoration import Restorer
from gateway.money.verification import Auditor, Tape, read_tape
from gateway.money.witness import Reach, forgotten, identify, last_seen, reach_of
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    balances,
    bid,
    buy,
    claim,
    ending,
    entries,
    entry,
    reserve,
    spent,
)


async def snapshot(store: Store) -> dict[bytes, bytes]:
    return {key: await store.call("DUMP", key) async for key in store.scan("*")}


async def roll_back(store: Store, kept: dict[bytes, bytes]) -> None:
    await store.call("FLUSHALL")
    for key, body in kept.items():
        await store.call("RESTORE", key, 0, body)


async def begin(store: Store, folder: Path) -> Ledger:
    """A process that keeps a journal."""
    journal = Journal(folder, root=ROOT, process="p")
    journal.open(await identify(store))
    return Ledger(store, root=ROOT, zone=ZoneInfo("UTC"), journal=journal)


async def seen_in(store: Store, folder: Path) -> Reach:
    return last_seen(folder, root=ROOT, store=await identify(store))


async def test_lost_entries_come_back_as_they_ended(store: Store, tmp_path: Path) -> None:
    ledger = await begin(store, tmp_path)
    open_one = await reserve(ledger, 100, "open")
    backup = await snapshot(store)
    await ledger.dispatch(open_one, MINUTE)
    await ledger.settle(ending(open_one, cost=60))
    bought = await buy(ledger, 100, "bought")
    voided = await reserve(ledger, 100, "voided", direct=True)
    await ledger.settle(ending(voided, "voided", cost=0))
    flying = await reserve(ledger, 100, "flying", direct=True)
    await reserve(ledger, 100, "never sent")
    await roll_back(store, backup)
    with pytest.raises(Outdated):
        await ledger.admit(claim(bid("next")))
    restorer = Restorer(ledger, tmp_path)
    assert await restorer.accept() == 3
    states = {row["state"] for row in await entries(store)}
    assert states == {"posted", "in_doubt"}
    assert (await entry(store, open_one))["cost"] == "60"
    assert (await entry(store, bought))["restored"] == "1"
    assert (await entry(store, flying))["state"] == "in_doubt"
    assert +(await spent(store)) == {"posted": 160, "in_doubt": 100}
    await audit(store)
    # Everybody goes on; a repeated question is not asked again while it is in doubt.
    assert (await ledger.admit(claim(bid("next")))).kind == "reserved"
    assert (await ledger.admit(claim(bid("flying")))).kind == "none"
    await restorer.follow()
    assert await restorer.accept() == 0
    assert +(await spent(store)) == {"posted": 160, "in_doubt": 100, "reserved": 100}


async def test_another_machine_puts_back_what_only_it_knows(store: Store, tmp_path: Path) -> None:
    one, two = await begin(store, tmp_path / "one"), await begin(store, tmp_path / "two")
    await buy(one, 100, "before")
    backup = await snapshot(store)
    await buy(one, 100, "a")
    await buy(two, 100, "b")
    await roll_back(store, backup)
    assert await Restorer(one, tmp_path / "one").accept() == 1
    assert +(await spent(store)) == {"posted": 200}
    # Its mark is of the era before.
    assert (await two.admit(claim(bid("c"), patient=False))).kind == "reserved"
    other = Restorer(two, tmp_path / "two")
    await other.follow()
    await other.follow()
    assert +(await spent(store)) == {"posted": 300, "reserved": 100}
    await audit(store)


async def assert_retired_for_good(store: Store, folder: Path) -> None:
    """Processes that start a year after an older store was accepted."""
    ledger = await begin(store, folder)
    backup = await snapshot(store)
    await buy(ledger, 100, "lost")
    await roll_back(store, backup)
    assert await Restorer(ledger, folder).accept() == 1
    rid = await buy(ledger, 100, "after")
    # Said again, it changes nothing.
    await ledger.settle(ending(rid))
    assert await Books(store, ROOT).retire(0) == 2
    await Restorer(ledger, folder).follow()
    assert +(await spent(store)) == {"posted": 200}
    assert await entries(store) == []


async def test_what_is_retired_does_not_come_back(store: Store, tmp_path: Path) -> None:
    await assert_retired_for_good(store, tmp_path)


async def test_a_retired_entry_that_comes_back_is_noticed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, guard = Script.load, "return day and last and day <= last"
    assert guard in load("restore").source

    def broken(name: str) -> Script:
        return Script.of(name, load(name).source.replace(guard, "return false"))

    monkeypatch.setattr(Script, "load", broken)
    with pytest.raises(AssertionError):
        await assert_retired_for_good(store, tmp_path)


async def test_what_is_said_since_is_not_read_again(store: Store, tmp_path: Path) -> None:
    ledger = await begin(store, tmp_path)
    lost = await buy(ledger, 100, "lost")
    await store.call("SET", f"{ROOT}era", 1)
    assert (await ledger.admit(claim(bid("next", 0)))).kind == "reserved"
    await buy(ledger, 100, "after")
    found = forgotten(tmp_path, root=ROOT, store=await identify(store), since=Reach(), until=1)
    assert [rid for rid, _ in found] == [lost]


async def test_caps_of_jobs_and_lookups_know_what_was_put_back(
    store: Store, tmp_path: Path
) -> None:
    ledger = await begin(store, tmp_path)
    backup = await snapshot(store)
    asked = claim(bid("lost", direct=True), scopes=["team:t", "all", "job:job_1"])
    rid = (await ledger.admit(asked)).rid
    before = await balances(store)
    await roll_back(store, backup)
    await Restorer(ledger, tmp_path).accept()
    assert (await entry(store, rid))["lookup"] == asked.lookup
    assert (await balances(store)).keys() == before.keys()
    assert +(await spent(store, "job:job_1")) == {"in_doubt": 100}
    await audit(store)
    # The lookup, run again, counts what it may have spent.
    again = claim(bid("lost"), lookup=asked.lookup, again=True)
    assert [skip.cost for skip in (await ledger.admit(again)).skipped] == [100]


async def test_an_answer_that_comes_late_closes_what_was_put_back(
    store: Store, tmp_path: Path
) -> None:
    ledger = await begin(store, tmp_path)
    backup = await snapshot(store)
    flying = await reserve(ledger, 100, "flying", direct=True)
    await roll_back(store, backup)
    await Restorer(ledger, tmp_path).accept()
    await ledger.settle(ending(flying, cost=70))
    assert +(await spent(store)) == {"posted": 70}


async def test_a_second_loss_is_a_second_era(store: Store, tmp_path: Path) -> None:
    ledger = await begin(store, tmp_path)
    await buy(ledger, 100, "a")
    for number in range(2):
        backup = await snapshot(store)
        await buy(ledger, 100, f"b{number}")
        await roll_back(store, backup)
        with pytest.raises(Outdated):
            await ledger.admit(claim(bid(f"c{number}")))
        assert await Restorer(ledger, tmp_path).accept() == 1
        assert (await ledger.admit(claim(bid(f"c{number}", 0)))).kind == "reserved"
    assert +(await spent(store)) == {"posted": 300}


async def test_a_new_process_knows_from_the_journals_how_far_it_was(
    store: Store, tmp_path: Path
) -> None:
    ledger = await begin(store, tmp_path)
    backup = await snapshot(store)
    await buy(ledger, 100, "a")
    assert await seen_in(store, tmp_path) == await reach_of(store, ROOT) == Reach(0, 3)
    await roll_back(store, backup)
    assert await reach_of(store, ROOT) < await seen_in(store, tmp_path)
    assert last_seen(tmp_path, root=ROOT, store="another") == Reach()
    assert last_seen(tmp_path, root="{pgw}:sandbox:", store=await identify(store)) == Reach()
    assert last_seen(tmp_path / "none", root=ROOT, store="") == Reach()


def tear(folder: Path) -> None:
    [path] = folder.iterdir()
    assert path.stat().st_size > 64 * 1024
    with path.open("ab") as file:
        file.write(b'{"op": "reserved", "n": 9')


def read_all(folder: Path) -> list[Tape]:
    return [read_tape(path) for path in sorted(folder.iterdir())]


async def test_a_torn_journal_still_tells_how_far_it_was(store: Store, tmp_path: Path) -> None:
    ledger = await begin(store, tmp_path)
    for number in range(700):
        await reserve(ledger, 1, f"s{number}")
    tear(tmp_path)
    assert await seen_in(store, tmp_path) == Reach(0, 700)


async def test_journals_fit_the_ledger_that_they_restored(store: Store, tmp_path: Path) -> None:
    ledger = await begin(store, tmp_path)
    await buy(ledger, 100, "a")
    backup = await snapshot(store)
    await buy(ledger, 100, "b")
    await roll_back(store, backup)
    await Restorer(ledger, tmp_path).accept()
    await buy(ledger, 100, "c")
    tapes = read_all(tmp_path)
    assert len(tapes) == 2
    auditor = Auditor(tapes)
    async for found in Books(store, ROOT).walk():
        auditor.hear(found)
    assert auditor.close().differences == []
