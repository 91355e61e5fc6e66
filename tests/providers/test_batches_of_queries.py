"""What many queries in one task share: its replies, and its charge."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import batches
from providers.base import decode
from providers.batches import Replies, part_of, tickets_for
from providers.errors import MalformedResponse, Unavailable
from providers.model import FindEmail
from providers.sixtyfour.mapping import to_share
from providers.sixtyfour.wire import Job


@given(st.integers(0, 10**9), st.lists(st.booleans(), min_size=1, max_size=100))
def test_parts_make_up_the_whole(total: int, charged: list[bool]) -> None:
    parts = [part_of(total, charged, at) for at in range(len(charged))]
    assert sum(parts) == total
    bearing = [part for part, bears in zip(parts, charged, strict=True) if bears] or parts
    assert max(bearing) - min(bearing) <= 1
    assert all(part == 0 for part, bears in zip(parts, charged, strict=True) if not bears) or (
        not any(charged)
    )


class Task:
    """Answers "running" until it is done."""

    def __init__(self) -> None:
        self.asked = 0
        self.word = "running"

    async def ask(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        return self.word


def is_done(word: str) -> bool:
    return word == "done"


async def test_one_request_serves_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    task, replies = Task(), Replies[str]()
    reads = [replies.read("t", task.ask, is_done) for _ in range(100)]
    assert set(await asyncio.gather(*reads)) == {"running"}
    assert task.asked == 1
    task.word = "done"
    monkeypatch.setattr(batches, "FRESH", -1.0)
    replies = Replies[str]()
    for _ in range(3):
        await replies.read("t", task.ask, is_done)
    assert task.asked == 2, "what is final stays so for a while"


async def test_who_failed_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    task, replies = Task(), Replies[str]()

    async def fail() -> str:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await replies.read("t", fail, is_done)
    assert await replies.read("t", task.ask, is_done) == "running"


async def test_only_the_last_tasks_are_kept() -> None:
    task, replies = Task(), Replies[str]()
    for number in range(1000):
        await replies.read(str(number), task.ask, is_done)
    assert len(replies._kept) == batches.MOST_KEPT
    assert not replies._locks


def job(results: str, charge: str = "null") -> Job:
    text = f'{{"status": "completed", "charge_amount": {charge}, "result": {results}}}'
    return decode(text.encode(), Job)


def result(name: str, address: str = "", **more: float) -> str:
    extra = "".join(f', "{key}": {value}' for key, value in more.items())
    return f'{{"name": "{name}", "email": [["{address}", "OK", "COMPANY"]]{extra}}}'


ADA, BOB = FindEmail(full_name="Ada Lovelace"), FindEmail(full_name="Bob Stone")
BOTH = f"[{result('Ada Lovelace', 'ada@engine.example')}, {result('Bob Stone')}]"


@pytest.mark.parametrize("results", [BOTH, f'{{"results": {BOTH}}}'])
def test_each_lead_has_its_own_result_and_part(results: str) -> None:
    found = job(results, "5")
    ada, bob = to_share(ADA, found, 0, 2), to_share(BOB, found, 1, 2)
    assert (ada.units, bob.units) == (5000, 0)
    assert bob.data is None
    assert b"Ada" in ada.raw
    assert b"Bob" not in ada.raw, "an answer holds nobody else"


def test_the_price_that_a_result_names_is_its_own() -> None:
    costly = [result("Ada Lovelace", "a@b.example", cost_cents=20)]
    costly.append(result("Bob Stone", "b@b.example", cost_cents=5))
    found = job(f"[{', '.join(costly)}]", "25")
    assert [to_share(one, found, at, 2).units for at, one in enumerate((ADA, BOB))] == [
        20_000,
        5_000,
    ]


def test_prices_that_do_not_make_up_the_charge_are_not_believed() -> None:
    costly = [result("Ada Lovelace", "a@b.example", cost_cents=20)]
    costly.append(result("Bob Stone", "b@b.example", cost_cents=5))
    found = job(f"[{', '.join(costly)}]", "10")
    assert [to_share(one, found, at, 2).units for at, one in enumerate((ADA, BOB))] == [5000, 5000]


@pytest.mark.parametrize(
    "query, results, at",
    [(BOB, BOTH, 0), (ADA, f"[{result('Ada Lovelace')}]", 0), (ADA, '{"found": []}', 0)],
)
def test_what_may_be_somebody_elses_is_not_an_answer(
    query: FindEmail, results: str, at: int
) -> None:
    with pytest.raises(MalformedResponse) as told:
        to_share(query, job(results), at, 2)
    assert told.value.uncertain


@pytest.mark.parametrize("odd", ['{"name": "Bob Stone", "error": "no"}', "null", "[]"])
def test_a_result_that_cannot_be_read_takes_nothing_from_others(odd: str) -> None:
    found = job(f"[{result('Ada Lovelace', 'ada@engine.example')}, {odd}]", "5")
    ada = to_share(ADA, found, 0, 2)
    assert (ada.units, ada.data is None) == (5000, False)
    with pytest.raises(MalformedResponse):
        to_share(BOB, found, 1, 2)


def test_tickets_say_which_they_are() -> None:
    found = tickets_for(2, {"task_id": "t"})
    assert [one.state for one in found] == [
        {"task_id": "t", "at": "0", "of": "2"},
        {"task_id": "t", "at": "1", "of": "2"},
    ]
