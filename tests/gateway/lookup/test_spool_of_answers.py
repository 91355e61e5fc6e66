"""What a store could not take is sealed on the disk, told to it later, and gone from there."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.lookup.spool import Kept, Spool
from gateway.money.ledger import Ledger
from gateway.store.connection import Store, StoreDown
from gateway.vault.sealing import Sealer
from tests.gateway.lookup.scene import until
from tests.gateway.money.books import bid, claim, ending, entry, kept, reserve
from tests.gateway.money.conftest import clocked, ledger

__all__ = ["clocked", "ledger"]

SEALER = Sealer([bytes(32)])


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


async def replay(spool: Spool, ledger: Ledger, folder: Path) -> None:
    work = asyncio.create_task(spool.run(ledger))

    async def gone() -> bool:
        return not files(folder)

    await until(gone)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_an_answer_is_settled_and_cached_by_the_next_process(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    rid = await reserve(ledger, 100, "s", direct=True)
    end = ending(rid, cost=70, cache=kept("s"))
    await Spool(tmp_path, SEALER).keep(Kept(rid=rid, settlement=end, answer=b"the answer"))
    [path] = files(tmp_path)
    assert b"answer" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    await replay(Spool(tmp_path, SEALER), ledger, tmp_path)
    row = await entry(store, rid)
    assert (row["state"], row["cost"]) == ("posted", "70")
    found = await ledger.admit(claim(bid("s")))
    assert (found.kind, found.blob) == ("cached", b"the answer")


async def test_a_ticket_is_held_by_the_next_process(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    rid = await reserve(ledger, 100, "s", direct=True)
    await Spool(tmp_path, SEALER).keep(Kept(rid=rid, ticket=b"the ticket"))
    await replay(Spool(tmp_path, SEALER), ledger, tmp_path)
    assert (await entry(store, rid))["ticket"] == "the ticket"


async def test_what_the_store_took_after_all_is_gone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SEALER)
    await spool.keep(Kept(rid="res_1", ticket=b"one"))
    await spool.keep(Kept(rid="res_1", ticket=b"two"))
    assert len(files(tmp_path)) == 1
    await spool.drop("res_1")
    await spool.drop("res_2")
    assert files(tmp_path) == []


async def test_it_waits_until_the_store_is_back(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.spool.LOOK", 0.01)
    tries = 0
    hold = ledger.hold

    async def away(*told: Any, **more: Any) -> bool:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise StoreDown("away")
        return await hold(*told, **more)

    monkeypatch.setattr(ledger, "hold", away)
    rid = await reserve(ledger, 100, "s", direct=True)
    spool = Spool(tmp_path, SEALER)
    await spool.keep(Kept(rid=rid, ticket=b"t"))
    await replay(spool, ledger, tmp_path)
    assert tries == 5


async def test_a_file_that_cannot_be_read_stays_and_stops_no_other(
    ledger: Ledger, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it fill the log: it is told of once, however often it is looked at."""
    monkeypatch.setattr("gateway.lookup.spool.LOOK", 0.01)
    rids = [await reserve(ledger, 100, name, direct=True) for name in "st"]
    other = Spool(tmp_path, Sealer([bytes(31) + b"x"]))
    await other.keep(Kept(rid="res_0", ticket=b"of another key"))
    (tmp_path / "res_1.sealed").mkdir()
    spool = Spool(tmp_path, SEALER)
    with structlog.testing.capture_logs() as lines:
        work = asyncio.create_task(spool.run(ledger))
        for rid in rids:
            await spool.keep(Kept(rid=rid, ticket=b"t"))

            async def held(rid: str = rid) -> bool:
                return (await entry(store, rid))["ticket"] == "t"

            await until(held)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert [path.stem for path in files(tmp_path)] == ["res_0", "res_1"]
    told = [line["file"] for line in lines if line["event"] == "spool.unreadable"]
    assert sorted(told) == ["res_0.sealed", "res_1.sealed"]


async def test_what_the_disk_takes_in_parts_is_kept_whole(
    ledger: Ledger, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rid, write = await reserve(ledger, 100, "s", direct=True), os.write
    monkeypatch.setattr("gateway.lookup.spool.os.write", lambda to, body: write(to, body[:7]))
    await Spool(tmp_path, SEALER).keep(Kept(rid=rid, ticket=b"the ticket"))
    monkeypatch.undo()
    await replay(Spool(tmp_path, SEALER), ledger, tmp_path)
    assert (await entry(store, rid))["ticket"] == "the ticket"


async def test_a_disk_that_fills_up_spoils_nothing_that_is_kept(
    ledger: Ledger, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes a part of takes the place of nothing."""
    rid, write, room = await reserve(ledger, 100, "s", direct=True), os.write, iter([7])

    def fill(descriptor: int, body: bytes) -> int:
        for size in room:
            return write(descriptor, body[:size])
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(tmp_path, SEALER)
    await spool.keep(Kept(rid=rid, ticket=b"the ticket"))
    monkeypatch.setattr("gateway.lookup.spool.os.write", fill)
    await spool.keep(Kept(rid=rid, ticket=b"the ticket as it is now"))
    monkeypatch.undo()
    assert [path.name for path in files(tmp_path)] == [f"{rid}.sealed"]
    await replay(spool, ledger, tmp_path)
    assert (await entry(store, rid))["ticket"] == "the ticket"


async def test_a_disk_that_fails_fails_no_lookup(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("not a folder")
    await Spool(tmp_path / "spool", SEALER).keep(Kept(rid="res_1", ticket=b"t"))


async def test_what_is_charged_a_single_time_is_so_by_the_next_process(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    first, second = [await reserve(ledger, 100, name, direct=True) for name in "st"]
    assert await ledger.charges(first, "mark")
    spool = Spool(tmp_path, SEALER)
    for rid in (first, second):
        await spool.keep(Kept(rid=rid, settlement=ending(rid, units=1, cost=70), once="mark"))
    await replay(Spool(tmp_path, SEALER), ledger, tmp_path)
    rows = [await entry(store, rid) for rid in (first, second)]
    assert [row["cost"] for row in rows] == ["70", "0"]
    assert rows[1]["outcome"] == "empty"


async def test_a_task_is_found_in_its_place_by_the_next_process(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    """And its provider does well again."""
    rid = await reserve(ledger, 100, "s", direct=True)
    account = (await entry(store, rid))["credential"]
    breaker = f"{ledger.root}breaker:{account}:native"
    await store.call("HSET", breaker, "fails", 3)
    place = f"{ledger.root}task:x"
    kept = Kept(rid=rid, ticket=b"the ticket", lease=5000, place=place, breaker="native")
    await Spool(tmp_path, SEALER).keep(kept)
    await replay(Spool(tmp_path, SEALER), ledger, tmp_path)
    assert await store.call("GET", place) == b"the ticket"
    assert (await entry(store, rid))["ticket"] == "the ticket"
    assert await store.call("HGET", breaker, "fails") is None


async def test_what_a_killed_process_was_writing_does_not_stay(
    ledger: Ledger, tmp_path: Path
) -> None:
    old, new = tmp_path / "res_1.draft", tmp_path / "res_2.draft"
    for draft in (old, new):
        draft.write_bytes(b"sealed in part")
    os.utime(old, (0, 0))
    work = asyncio.create_task(Spool(tmp_path, SEALER).run(ledger))

    async def gone() -> bool:
        return not old.exists()

    await until(gone)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert files(tmp_path) == [new]
