"""Any sequence of jobs, claims, deaths and late writes, against a model of the queue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from gateway.jobs.queue import Queue
from gateway.jobs.records import Claimed
from gateway.money.terms import Place
from gateway.store.connection import Store
from tests.gateway.jobs.lending import (
    MANY,
    MINUTE,
    ROOT,
    events,
    field,
    opened,
    place_of,
    progress,
    queue_of,
    request_of,
    result,
)
from tests.gateway.jobs.model import ASIDE, LEASE, SUSPECT, Item, Job, Model
from tests.gateway.jobs.test_queue_scripts import OWNS, PARKED, mutate
from tests.gateway.money.conftest import shift

STEPS_OF_TIME = (4, 11)
TEAMS = st.sampled_from("abc")
# How long a suspect is laid aside depends on its job's name, and the same steps are to have the
# same end whenever they are taken.
NAMES: list[str] = []
LANES = st.sampled_from(("interactive", "bulk"))
ROOM = st.integers(0, 4)


class QueueMachine(RuleBasedStateMachine):
    """Each rule is a call that any process could make at any time; `loans` are never forgotten."""

    url = ""
    jobs = Bundle("jobs")
    loans = Bundle("loans")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.model = Model()
        NAMES[:] = [f"job_{number:024x}" for number in range(1000, 0, -1)]
        self.wait_for(self._begin())

    async def _begin(self) -> None:
        self.store = await Store.connect(self.url, timeout=5, test_clock=True)
        await self.store.call("FLUSHALL")
        self.queue = self.make_queue()

    def make_queue(self) -> Queue:
        return queue_of(self.store)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.wait_for(self.store.close())
            self.loop.close()

    def wait_for(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(target=jobs, team=TEAMS, lane=LANES, rows=st.integers(1, 5), broken=st.sets(ROOM))
    def open(self, team: str, lane: Any, rows: int, broken: set[int]) -> str:
        failed = [at for at in broken if at < rows - 1]
        name = self.wait_for(opened(self.queue, rows, team=team, lane=lane, broken=failed))
        items = [Item("done" if at in failed else "fresh") for at in range(rows)]
        for at in failed:
            items[at].outcome = "failed"
        self.model.jobs[name] = Job(team, lane, items)
        return str(name)

    @rule(target=loans, team=TEAMS)
    def adopt(self, team: str) -> Claimed:
        """A lookup under way becomes a job."""
        place = self.wait_for(self.queue.adopt(Place(name_of("job")), request_of(team), b"{}"))
        self.model.jobs[place.job] = Job(team, "interactive", [Item()])
        one = Claimed(place.job, 0, place.token, 0, "interactive")
        self.model.lend(one)
        return one

    @rule(target=loans, interactive=ROOM, bulk=ROOM, fresh=ROOM)
    def claim(self, interactive: int, bulk: int, fresh: int) -> Any:
        return self._claim(interactive, bulk, fresh)

    @rule(target=loans, times=st.integers(1, 3), room=ROOM)
    def take_over(self, times: int, room: int) -> Any:
        """Whatever was on loan is an heir's, whose own is another's."""
        for _ in range(times - 1):
            self._pass_time(LEASE + 1)
            self._claim(MANY, MANY, MANY)
        self._pass_time(LEASE + 1)
        return self._claim(room, room, room)

    def _claim(self, interactive: int, bulk: int, fresh: int) -> Any:
        room = {"interactive": interactive, "bulk": bulk}
        most = {"interactive": interactive, "bulk": min(bulk, fresh)}
        expected = {lane: self.model.lendable(lane) for lane in room}
        work = self.queue.claim(interactive=interactive, bulk=bulk, fresh=fresh)
        found: list[Claimed] = self.wait_for(work)
        assert len({(one.job, one.index) for one in found}) == len(found)
        for lane, lendable in expected.items():
            given = [lendable[one.job, one.index] for one in found if one.lane == lane]
            self._check_order(Counter(lendable.values()), given, room[lane], most[lane])
            is_all = given.count("orphan") < room[lane]
            self._check_suspects(lane, lendable, is_all=is_all)
        for one in found:
            self._check_turn(one)
            self.model.lend(one)
        return multiple(*found)

    def _check_order(self, there: Counter[str], given: list[str], room: int, fresh: int) -> None:
        """Orphans first, then what is due, then new ones; as many as fit."""
        orphans = min(there["orphan"], room)
        due = min(there["due"], room - orphans)
        new = min(there["fresh"], room - orphans - due, fresh)
        assert given == ["orphan"] * orphans + ["due"] * due + ["fresh"] * new

    def _check_suspects(
        self, lane: str, lendable: Mapping[tuple[str, int], str], *, is_all: bool
    ) -> None:
        """They take nobody's room; none is left if there was room for more than the others."""
        for (name, index), why in lendable.items():
            member = f"{name} {index}"
            due = self.wait_for(self.store.call("ZSCORE", f"{ROOT}due:{lane}", member))
            if why == "suspect" and due is not None:
                self.model.suspect(name, index)
            else:
                assert why != "suspect" or not is_all

    def _check_turn(self, one: Claimed) -> None:
        """Among new rows of one team and lane the oldest job goes first, and its rows in order."""
        job = self.model.jobs[one.job]
        if job.items[one.index].state != "fresh":
            return
        assert one.index == next(at for at, item in enumerate(job.items) if item.state == "fresh")

    @rule(held=st.lists(loans, max_size=4, unique=True))
    def keep(self, held: list[Claimed]) -> None:
        lost = self.wait_for(self.queue.keep([place_of(one) for one in held])) if held else []
        for one in held:
            item = self.model.owner(one)
            assert (place_of(one) in lost) == (item is None)
            if item is not None:
                item.until = self.model.now + LEASE

    @rule(one=loans, outcome=st.sampled_from(("accepted", "failed", "cancelled")))
    def finish(self, one: Claimed, outcome: str) -> None:
        expected = self.model.finish(one, outcome, 3)
        assert self.wait_for(self.queue.finish(place_of(one), result(outcome, 3))) == expected

    @rule(one=loans, minutes=st.sampled_from((0, 5)), is_begun=st.booleans())
    def park(self, one: Claimed, minutes: int, is_begun: bool) -> None:
        kept = progress() if is_begun else b""
        expected = self.model.park(one, minutes, kept)
        assert self.wait_for(self.queue.park(place_of(one), minutes * 60, kept)) == expected
        self.wait_for(asyncio.sleep(0.002))

    @rule(name=jobs)
    def cancel(self, name: str) -> None:
        team = self.model.jobs[name].team
        assert self.wait_for(self.queue.cancel(name, "nobody")) is None
        assert self.wait_for(self.queue.cancel(name, team)) is self.model.cancel(name)

    @rule(minutes=st.sampled_from(STEPS_OF_TIME))
    def pass_time(self, minutes: int) -> None:
        self._pass_time(minutes)

    def _pass_time(self, minutes: int) -> None:
        self.model.now += minutes
        self.wait_for(shift(self.store, self.model.now * MINUTE))

    @invariant()
    def the_counts_are_right(self) -> None:
        if hasattr(self, "queue"):
            self.wait_for(self._compare())

    async def _compare(self) -> None:
        told = Counter(row["data"] for row in await events(self.store))
        for name, job in self.model.jobs.items():
            found = await self.queue.load(name)
            assert found is not None
            counts = found.counts
            assert (counts.done, counts.cancelled) == (job.count("done"), job.count("cancelled"))
            outcomes = Counter(item.outcome for item in job.items)
            assert (counts.accepted, counts.failed) == (outcomes["accepted"], outcomes["failed"])
            flying, parked = job.count("flying"), job.count("parked")
            assert await field(self.store, name, "flying") == flying
            ended = counts.done + counts.cancelled
            assert ended + flying + parked + job.count("fresh") == counts.total
            assert bool(found.finished_at) == job.is_over
            assert told[f'{{"id":"{name}"}}'] == job.is_over, "it tells of its end once"
            assert found.cost == f"{job.cost / 1e6:.6f}".rstrip("0").rstrip(".")


def run(url: str, make: Callable[[QueueMachine], Queue] | None, **more: Any) -> None:
    chosen: dict[str, Any] = {"max_examples": 40, "stateful_step_count": 40}

    class Machine(QueueMachine):
        def make_queue(self) -> Queue:
            return make(self) if make else super().make_queue()

    Machine.url = url
    run_state_machine_as_test(
        Machine,
        settings=settings(deadline=None, suppress_health_check=list(HealthCheck), **chosen | more),
    )


def name_of(_prefix: str) -> str:
    return NAMES.pop()


@pytest.fixture(autouse=True)
def _short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.gateway.jobs.lending.new_id", name_of)
    monkeypatch.setattr("gateway.jobs.queue.LEASE", LEASE * MINUTE)
    monkeypatch.setattr("gateway.jobs.queue.SUSPECT", SUSPECT)
    monkeypatch.setattr("gateway.jobs.queue.ASIDE", (ASIDE * MINUTE, ASIDE * MINUTE))


def test_the_queue_does_what_its_model_does(store_url: str) -> None:
    run(store_url, None)


@pytest.mark.parametrize(
    "old, new",
    [
        (OWNS, "return token ~= ''"),
        (PARKED, ""),
        ("redis.call('HINCRBY', root .. 'job:' .. job, 'flying', -1)", ""),
        ("if j[10] or done + cancelled < total", "if done < total"),
        ("redis.call('XADD', root", "string.len('', root"),
        ("if j[2] then return 0 end", ""),
        ("room = room - 1", "room = room - 0"),
        ("if deaths < suspected or is_cancelled", "if true"),
        ("if room <= 0 then break end", ""),
        ("lay_aside(root, job, index, now + pause", "lay_aside(root, job, index, now + 0 * pause"),
    ],
)
def test_the_machine_catches_a_broken_script(store_url: str, old: str, new: str) -> None:
    def broken(machine: QueueMachine) -> Queue:
        queue = queue_of(machine.store)
        mutate(queue, old, new)
        return queue

    more = {"phases": [Phase.generate], "derandomize": True, "report_multiple_bugs": False}
    with pytest.raises((AssertionError, LookupError, FlakyFailure)):
        run(store_url, broken, max_examples=100, **more)
