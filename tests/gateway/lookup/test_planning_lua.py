"""The store's script and the reference in Python learn the same from the same lessons."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from gateway.lookup.planning.estimation import path_of
from gateway.lookup.planning.lessons import Book, Lesson, to_cells
from gateway.lookup.planning.teaching import DELTAS, Found, teach
from gateway.lookup.planning.terms import Prior, State
from gateway.store.connection import Store
from gateway.store.script import FOLDER, Script

ROOT = "{pgw}:test:"
CALL = """
local found = {}
for _, lesson in ipairs(cmsgpack.unpack(ARGV[1])) do
  found[#found + 1] = learn(KEYS[1], lesson) and 1 or 0
end
return found
"""
SOURCE = (FOLDER / "learn.lua").read_text()
FOUND: tuple[Found, ...] = tuple(DELTAS)


def script_of(source: str) -> Script:
    return Script.of("learn", source + CALL)


async def teach_store(store: Store, script: Script, lessons: list[Lesson]) -> list[int]:
    return list(await store.run(script, [ROOT], [msgspec.msgpack.encode(lessons)]))


async def cells_of(store: Store, book: str) -> dict[str, tuple[int, ...]]:
    rows = await store.call("HGETALL", f"{ROOT}learn:{book}")
    pairs = zip(rows[::2], rows[1::2], strict=True) if isinstance(rows, list) else rows.items()
    return to_cells(dict(pairs))


async def ring_of(store: Store, book: str) -> list[str]:
    rows = await store.call("LRANGE", f"{ROOT}learn:{book}:recent", 0, -1)
    return [row.decode() for row in rows]


def ring_text(book: Book) -> list[str]:
    return [
        f"{one.residual} {one.variance} {' '.join(map(str, one.deltas))} {one.path}"
        for one in book.ring
    ]


def draw_lesson(random: Random, book: Book, chance: float) -> Lesson:
    """A call whose luck is `chance`, in a random state, after a planner that knows `book`."""
    missed = tuple(name for name in ("snov", "letrics") if random.random() < 0.4)
    state = State(missed=missed, hand="catch_all" if random.random() < 0.2 else "")
    found: Found = "valid" if random.random() < chance else random.choice(FOUND)
    return teach(
        "emails.find:hunter",
        random.choice(["com..p", "de.m.p"]),
        state,
        found,
        cells=book.cells,
        prior=Prior(),
        millis=random.randrange(60_000),
        rows=random.randrange(3),
        confidence=random.choice([None, 0, 69, 100]),
    )


async def assert_agreement(store: Store, script: Script, *, seed: int, count: int) -> int:
    """How often the provider drifted; its luck changes all the time."""
    random, book, drifted = Random(seed), Book(), 0
    while count > 0:
        chance, lessons, told = random.choice([0.0, 0.3, 0.95]), [], []
        for _ in range(random.randrange(1, 200)):
            lesson = draw_lesson(random, book, chance)
            lesson.cap = 1024 if seed % 2 else 64
            lessons.append(lesson)
            told.append(int(book.learn(lesson)))
        assert await teach_store(store, script, lessons) == told, seed
        assert await cells_of(store, "emails.find:hunter") == book.cells, seed
        assert await ring_of(store, "emails.find:hunter") == ring_text(book), seed
        drifted, count = drifted + sum(told), count - len(lessons)
    return drifted


@pytest.mark.parametrize("seed", range(8))
async def test_script_and_reference_agree(store: Store, seed: int) -> None:
    assert await assert_agreement(store, script_of(SOURCE), seed=seed, count=1500) > 0


@pytest.mark.parametrize(
    "was, becomes",
    [
        ("drift[2] - residual", "drift[2]"),
        ("math.floor(count / 2)", "math.ceil(count / 2)"),
        ("far > furthest", "far > furthest + 9"),
        ("for at = size, 1, -1", "for at = size - 1, 1, -1"),
        ("<= Z_SQUARED", "<= 2 * Z_SQUARED"),
        ("RECENT, ENOUGH, NEWEST, Z_SQUARED = 50", "RECENT, ENOUGH, NEWEST, Z_SQUARED = 49"),
        ("~= '@'", "~= '!'"),
    ],
)
async def test_a_script_that_does_otherwise_is_noticed(
    store: Store, was: str, becomes: str
) -> None:
    assert was in SOURCE
    script = script_of(SOURCE.replace(was, becomes))
    with pytest.raises(AssertionError):
        await assert_agreement(store, script, seed=0, count=1500)


async def test_deltas_below_nothing_are_nothing(store: Store) -> None:
    """What is taken back of an outcome may meet a cell that was halved or made anew."""
    book, lessons = Book(), []
    for deltas in [(1, 1, 0, 0, 0), (-1, -1, 0, 0, 0), (-1, 0, -1, 0, 0), (1, 0, 0, 0, 2**40)]:
        lessons.append(Lesson(book="outcomes:snov", path="valid/b2", deltas=deltas))
        book.learn(lessons[-1])
    await teach_store(store, script_of(SOURCE), lessons)
    assert await cells_of(store, "outcomes:snov") == book.cells
    assert book.cells["valid"] == (1, 0, 0, 0, 2**40)
    assert path_of("s", State()) == "-/s/"
