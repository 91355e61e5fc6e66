"""How long a decision takes, beside a loop that says how fast the machine is just now."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from gateway.lookup.planning.estimation import levels_of, path_of
from gateway.lookup.planning.planner import after_miss, full_plan, next_step
from gateway.lookup.planning.record import (
    Move,
    Trace,
    decided,
    decode,
    encode,
    replay,
    to_move,
)
from gateway.lookup.planning.terms import Charging, Counts, Policy, Question, State, priced
from tests.bench.planning.ratios import Figure

STEP_US, PLAN_US = 120, 500
# What the loop takes on the machine for which the microseconds are meant.
LOOP_US = 120.0
PROVIDERS = tuple(f"provider{number}" for number in range(8))
SEGMENT = "de.m.p"
CHARGES: tuple[Charging, ...] = ("per_call", "per_hit", "per_row", "free")


def scene(random: Random, *, value: bool) -> tuple[Question, dict[str, dict[str, Counts]]]:
    """Eight providers, and the counts of two thousand calls to each."""
    options = tuple(
        priced(name, random.choices(CHARGES, (4, 4, 1, 1))[0], random.randrange(10_000, 100_000),
               worst=100_000)
        for name in PROVIDERS
    )  # fmt: skip
    policy = Policy(value=150_000, worth=(300_000, 100_000)) if value else Policy()
    cells = {name: _cells(random, name) for name in PROVIDERS}
    return Question(segment=SEGMENT, options=options, policy=policy), cells


def _cells(random: Random, name: str) -> dict[str, Counts]:
    cells: dict[str, Counts] = {}
    others = [other for other in PROVIDERS if other != name]
    for _ in range(200):
        missed = tuple(random.sample(others, random.randrange(8)))
        state = State(missed=missed, hand="unknown" if random.random() < 0.3 else "")
        answers = random.randrange(10)
        valid = random.randrange(answers + 1)
        for level in levels_of(path_of(SEGMENT, state)):
            old = cells.get(level, (0,) * 5)
            new = (10, answers, valid, answers - valid, 0)
            cells[level] = tuple(a + b for a, b in zip(old, new, strict=True))
    return cells


def timed(decisions: int = 2000) -> list[Figure]:
    """Medians of decisions no two of which are of one lookup."""
    question, cells = scene(Random(8), value=False)
    choosy, _ = scene(Random(8), value=True)
    rows: dict[str, list[float]] = defaultdict(list)
    checked = _checked(question)
    for number in range(decisions):
        seed = f"lookup {number}"
        mine, theirs = _seeded(question, seed), _seeded(choosy, f"{seed}, choosy")
        rows["loop"].append(_took(_loop))
        rows["step"].append(_took(next_step, mine, cells))
        rows["choosy"].append(_took(next_step, theirs, cells))
        rows["checked"].append(_took(next_step, _seeded(checked, f"{seed}, checked"), cells))
        again = _seeded(question, f"{seed}, whole")
        rows["plan"].append(_took(full_plan, again, cells))
    found = {name: statistics.median(times) for name, times in rows.items()}
    slower = max(1.0, found["loop"] / LOOP_US)
    return [
        Figure("next step of 8 providers, us", found["step"], most=STEP_US * slower),
        Figure("the same with a value set, us", found["choosy"]),
        Figure("the same with verifications, us", found["checked"], most=STEP_US * slower),
        Figure("full plan of 8 providers, us", found["plan"], most=PLAN_US * slower),
        Figure("loop that tells this machine's speed, us", found["loop"]),
        Figure(
            "with verifications / loop", found["checked"] / found["loop"], most=STEP_US / LOOP_US
        ),
        Figure("next step / loop", found["step"] / found["loop"], most=STEP_US / LOOP_US),
        Figure("full plan / loop", found["plan"] / found["loop"], most=PLAN_US / LOOP_US),
    ]


def _checked(question: Question) -> Question:
    """The same where uncertain answers are verified."""
    options = tuple(replace(option, verify=25_000) for option in question.options)
    return replace(question, options=options)


def _seeded(question: Question, seed: str) -> Question:
    return Question(
        segment=question.segment, options=question.options, policy=question.policy, seed=seed
    )


def _took(work: Callable[..., object], *given: object) -> float:
    began = time.perf_counter_ns()
    work(*given)
    return (time.perf_counter_ns() - began) / 1000


def _loop() -> float:
    """Floats, tuples, a dictionary and calls, as in the planner."""
    known = {number: (number, number + 1.5) for number in range(64)}
    total = 0.0
    for number in range(500):
        first, second = known[number % 64]
        total += max(first, second) / (1 + number)
    return total


def replayed(decisions: int = 1000) -> Figure:
    """Lookups of up to eight misses whose decisions are made again from what was kept of them."""
    random, same, made, size = Random(11), 0, 0, 0
    while made < decisions:
        question, cells = scene(random, value=random.random() < 0.5)
        question = _checked(question) if random.random() < 0.5 else question
        question = _seeded(question, f"lookup {made}")
        state, moves = State(), list[Move]()
        told: list[bytes] = []
        while (step := next_step(question, cells, state)) and len(told) < decisions - made:
            moves.append(to_move(question, cells, state))
            told.append(decided(question, cells, state))
            state = after_miss(question, state, step.provider)
            cells = _relearned(random, cells)
        kept = encode(Trace(question, tuple(moves)))
        again = replay(decode(kept))
        same += sum(one == other for one, other in zip(told, again, strict=True))
        made, size = made + len(told), size + len(kept)
    shown = f"{same} of {made}, {size // made} bytes each"
    return Figure("decisions replayed byte for byte", same / made, least=1.0, shown=shown)


def _relearned(
    random: Random, cells: dict[str, dict[str, Counts]]
) -> dict[str, dict[str, Counts]]:
    """The statistics a second later: the live ones are not those that decided."""
    name = random.choice(PROVIDERS)
    grown = {
        cell: tuple(count + random.randrange(3) * (at == 0) for at, count in enumerate(counts))
        for cell, counts in cells[name].items()
    }
    return {**cells, name: grown}
