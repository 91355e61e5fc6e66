"""The journals of several processes, one of them killed, rebuild the ledger; damage is found."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.money.entries import Books
from gateway.money.journal import GROUPED, Journal
from gateway.money.ledger import Ledger
from gateway.money.verification import Auditor, Verdict, among_themselves, read_tape
from gateway.store.connection import Store
from tests.gateway.money.books import ROOT, audit, bid, buy, claim, ending, entries, reserve

CLERK = Path(__file__).with_name("clerk.py")


async def journalled(store: Store, folder: Path, process: str = "here") -> tuple[Ledger, Journal]:
    journal = Journal(folder, root=ROOT, process=process)
    journal.open()
    return Ledger(store, root=ROOT, zone=ZoneInfo("UTC"), journal=journal), journal


def journals_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


async def verdict_of(store: Store, folder: Path) -> tuple[list[str], Verdict]:
    """What is wrong with the journals by themselves, and against the ledger."""
    tapes = [read_tape(path) for path in journals_in(folder)]
    auditor = Auditor(tapes)
    async for entry in Books(store, ROOT).walk():
        auditor.hear(entry)
    faults = [fault for tape in tapes for fault in tape.faults] + among_themselves(tapes)
    return faults, auditor.close()


async def assert_equal(store: Store, folder: Path) -> Verdict:
    faults, verdict = await verdict_of(store, folder)
    assert not faults
    assert not verdict.differences
    return verdict


async def differences(store: Store, folder: Path) -> list[str]:
    faults, verdict = await verdict_of(store, folder)
    return faults + verdict.differences


async def clerk(store_url: str, folder: Path, *words: str) -> asyncio.subprocess.Process:
    command = (sys.executable, str(CLERK), store_url, str(folder), *words)
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


async def test_journals_rebuild_the_ledger_though_a_process_is_killed(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    """Three clerks do random things at once; one is killed in the middle, one is stopped."""
    kills = 3
    for round_ in range(kills):
        clerks = [await clerk(store_url, tmp_path, f"{round_}{at}", "200") for at in range(2)]
        victim = await clerk(store_url, tmp_path, f"{round_}v", "1000000")
        assert victim.stdout
        # Its own word that it is in full swing.
        assert await asyncio.wait_for(victim.stdout.readline(), 30)
        os.kill(victim.pid, signal.SIGKILL)
        assert [await one.wait() for one in (*clerks, victim)] == [0, 0, -signal.SIGKILL]
    await audit(store)
    verdict = await assert_equal(store, tmp_path)
    states = {row["state"] for row in await entries(store)}
    assert states >= {"posted", "voided", "in_doubt", "reserved"}
    assert verdict.entries == len(await entries(store)) > 400 * kills // 2
    # What a killed clerk had under way and began in its last 50 ms: a few of each of 20 tasks.
    assert len(verdict.unconfirmed) <= 3 * 20 * kills < verdict.entries // 2
    assert len(journals_in(tmp_path)) == 3 * kills


async def written(store: Store, folder: Path) -> Path:
    """A closed journal of a posted, a voided, a doubtful and an open reservation."""
    ledger, journal = await journalled(store, folder)
    await buy(ledger, slot="a")
    rid = await reserve(ledger, slot="b")
    await ledger.settle(ending(rid, "voided", 0))
    rid = await reserve(ledger, slot="c", direct=True)
    await ledger.settle(ending(rid, "in_doubt", 0))
    await reserve(ledger, slot="d")
    await journal.close()
    [path] = journals_in(folder)
    await assert_equal(store, folder)
    return path


LINES = 10


@pytest.mark.parametrize("dropped", range(LINES))
async def test_no_line_can_be_missing(store: Store, tmp_path: Path, dropped: int) -> None:
    """Whichever it is; without the closing line the process may be running still."""
    path = await written(store, tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == LINES
    path.write_bytes(b"".join(lines[:dropped] + lines[dropped + 1 :]))
    found = await differences(store, tmp_path)
    assert bool(found) == (dropped != LINES - 1)


@pytest.mark.parametrize("doubled", range(LINES))
async def test_no_line_can_be_there_twice(store: Store, tmp_path: Path, doubled: int) -> None:
    path = await written(store, tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[: doubled + 1], *lines[doubled:]]))
    assert await differences(store, tmp_path)


@pytest.mark.parametrize("state", ["posted", "voided", "in_doubt", "reserved"])
async def test_a_doubled_entry_is_found(store: Store, tmp_path: Path, state: str) -> None:
    await written(store, tmp_path)
    rid = await found_in(store, state)
    await store.call("COPY", f"{ROOT}entry:{rid}", f"{ROOT}entry:{rid}x")
    seq = await store.call("INCR", f"{ROOT}seq")
    await store.call("ZADD", f"{ROOT}ledger", seq, f"{rid}x")
    assert any(f"{rid}x" in line for line in await differences(store, tmp_path))


@pytest.mark.parametrize("state", ["posted", "in_doubt", "reserved"])
async def test_a_lost_entry_is_found(store: Store, tmp_path: Path, state: str) -> None:
    await written(store, tmp_path)
    rid = await found_in(store, state)
    await store.call("ZREM", f"{ROOT}ledger", rid)
    assert any(rid in line for line in await differences(store, tmp_path))


@pytest.mark.parametrize(
    "field, value",
    [
        ("state", "voided"),
        ("state", "in_doubt"),
        ("cost", "101"),
        ("units", "1"),
        ("worst_cost", "1"),
        ("team", "other"),
        ("credential", "other"),
        ("price", "7"),
    ],
)
async def test_a_changed_entry_is_found(
    store: Store, tmp_path: Path, field: str, value: str
) -> None:
    await written(store, tmp_path)
    rid = await found_in(store, "posted")
    await store.call("HSET", f"{ROOT}entry:{rid}", field, value)
    assert any(rid in line for line in await differences(store, tmp_path))


async def found_in(store: Store, state: str) -> str:
    found = [entry.id async for entry in Books(store, ROOT).walk() if entry.state == state]
    return found[0]


@pytest.mark.parametrize("kept", [1, 20, -1])
async def test_a_torn_last_line_is_no_fault(store: Store, tmp_path: Path, kept: int) -> None:
    path = await written(store, tmp_path)
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + last[:kept])
    await assert_equal(store, tmp_path)
    # Anywhere else it is.
    path.write_bytes(b"".join([*lines[:-1], lines[-1][:20] + b"\n", last]))
    assert await differences(store, tmp_path)


async def test_what_a_store_ended_by_itself_is_no_difference(store: Store, tmp_path: Path) -> None:
    """Owners that are gone: the sweep voids what was not sent, and doubts what was."""
    ledger, journal = await journalled(store, tmp_path)
    await reserve(ledger, slot="a", lease=0)
    await reserve(ledger, slot="b", lease=0, direct=True)
    script = ledger._scripts["admit"].load("sweep")
    await store.run(script, [ROOT], [60_000, 60_000_000])
    await journal.close()
    verdict = await assert_equal(store, tmp_path)
    assert (verdict.entries, verdict.unconfirmed) == (2, [])


async def test_entries_of_before_the_first_journal_are_not_judged(
    store: Store, tmp_path: Path
) -> None:
    plain = Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))
    rid = await buy(plain, slot="a")
    await store.call("HSET", f"{ROOT}entry:{rid}", "at", int(time.time() * 1000) - 60_000)
    ledger, journal = await journalled(store, tmp_path)
    await buy(ledger, slot="b")
    await journal.close()
    verdict = await assert_equal(store, tmp_path)
    assert (verdict.entries, verdict.older) == (2, 1)


async def test_a_withdrawn_claim_is_no_difference(store: Store, tmp_path: Path) -> None:
    """Voided before it was ever reserved, by one who did not get the reply."""
    ledger, journal = await journalled(store, tmp_path)
    made = claim(bid("a"))
    await ledger.settle(ending(made.steps[0].rid, "voided", 0))
    assert (await ledger.admit(made)).kind == "gone"
    await journal.close()
    await assert_equal(store, tmp_path)


def test_journals_that_contradict_each_other_need_no_store(tmp_path: Path) -> None:
    head = '{"op":"opened","n":1,"t":1,"process":"p","root":"r"}\n'
    line = '{"op":"settled","n":2,"t":1,"rid":"res_p1","state":"posted","units":1,"cost":%d}\n'
    for cost in (5, 6):
        (tmp_path / f"{cost}.jsonl").write_text(head + line % cost)
    tapes = [read_tape(path) for path in tmp_path.glob("*.jsonl")]
    assert among_themselves(tapes) == ["res_p1: posted with different costs: 5, 6"]


async def test_a_disk_that_is_away_costs_no_lookup(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger, journal = await journalled(store, tmp_path / "file")
    assert not journal.is_open
    await buy(ledger)
    await journal.close()


async def test_lines_reach_the_disk_together(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off the event loop, and grouped: not one fsync per line."""
    synced: list[int] = []
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def sync(self: Journal) -> None:
        synced.append(1)
        loop.call_soon_threadsafe(done.set)

    monkeypatch.setattr(Journal, "_sync", sync)
    _, journal = await journalled(store, tmp_path)
    await done.wait()
    done.clear()
    synced.clear()
    for at in range(40):
        journal.dispatched(f"res_{at}", at + 1)
    await asyncio.wait_for(done.wait(), 5)
    assert len(synced) == 1
    assert GROUPED <= 0.05
    await journal.close()


async def test_a_full_disk_leaves_no_half_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What did not fit is missing, and said to be; what comes after it can be read."""
    ledger, journal = await journalled(store, tmp_path)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, body: write(fd, body[:9]))
        await buy(ledger, slot="a")
    await buy(ledger, slot="b")
    await journal.close()
    [tape] = [read_tape(path) for path in journals_in(tmp_path)]
    assert [line.n for line in tape.lines] == [1, 5, 6, 7, 8]
    assert await differences(store, tmp_path)
