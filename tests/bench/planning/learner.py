"""The planner and its statistics at work on one world: what they would do, and what they do."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from gateway.lookup.planning.lessons import Book
from gateway.lookup.planning.planner import next_step
from gateway.lookup.planning.teaching import Found, teach
from gateway.lookup.planning.terms import Policy, Question, State
from tests.bench.planning.oracle import Choose, Expected, Oracle, tree_of
from tests.bench.planning.world import PROVIDERS, SEGMENTS, Outcome, World

FOUND: dict[Outcome, Found] = {
    "accepted": "valid",
    "weak": "catch_all",
    "useless": "useless",
    "empty": "empty",
}


class Learner:
    """A gateway without the gateway: one book for each provider."""

    def __init__(self, world: World, policy: Policy | None = None):
        self.world = world
        self.policy = policy or Policy()
        self.books = {name: Book() for name in PROVIDERS}
        self.drifts: list[str] = []

    @property
    def statistics(self) -> dict[str, dict[str, tuple[int, ...]]]:
        return {name: book.cells for name, book in self.books.items()}

    def question(self, segment: int, seed: str) -> Question:
        return Question(
            segment=SEGMENTS[segment],
            options=self.world.options,
            policy=self.policy,
            seed=seed,
        )

    def chooser(self, segment: int, seed: str) -> Choose:
        """What the planner would say now, in any state; it is asked once for each."""
        question, statistics = self.question(segment, seed), self.statistics
        known: dict[tuple[tuple[int, ...], bool], int | None] = {}

        def choose(missed: tuple[int, ...], weak: bool) -> int | None:
            if (missed, weak) not in known:
                step = next_step(question, statistics, state_of(missed, weak=weak))
                known[missed, weak] = None if step is None else PROVIDERS.index(step.provider)
            return known[missed, weak]

        return choose

    def buy(self, segment: int, outcomes: tuple[Outcome, ...], choose: Choose) -> Bought:
        """Ask as `choose` says until an answer is accepted, and learn from each call."""
        missed: tuple[int, ...] = ()
        cost, weak = 0, False
        while len(missed) < len(outcomes) and (at := choose(missed, weak)) is not None:
            option, outcome = self.world.options[at], outcomes[at]
            cost += option.per_call + (option.per_hit if outcome != "empty" else 0)
            self._learn(at, segment, state_of(missed, weak=weak), outcome)
            if outcome == "accepted":
                return Bought(cost, accepted=True)
            missed, weak = (*missed, at), weak or outcome == "weak"
        return Bought(cost, accepted=False)

    def _learn(self, at: int, segment: int, state: State, outcome: Outcome) -> None:
        name = PROVIDERS[at]
        book = self.books[name]
        lesson = teach(
            name,
            SEGMENTS[segment],
            state,
            FOUND[outcome],
            cells=book.cells,
            prior=self.policy.prior,
        )
        if book.learn(lesson):
            self.drifts.append(name)


@dataclass(frozen=True)
class Bought:
    cost: int
    accepted: bool


def state_of(missed: tuple[int, ...], *, weak: bool) -> State:
    return State(missed=tuple(PROVIDERS[at] for at in missed), hand="catch_all" if weak else "")


@dataclass(frozen=True)
class Record:
    """One record: what the policy was expected to cost under the truth, and the oracle."""

    policy: Expected
    oracle: Expected


def run(
    learner: Learner, oracle: Oracle, random: Random, count: int, *, name: str = ""
) -> list[Record]:
    """`count` records of the oracle's world."""
    learner.world = oracle.world
    records = []
    for number in range(count):
        segment, outcomes = oracle.world.draw(random)
        choose = learner.chooser(segment, f"{name} {number}")
        tree = tree_of(choose, len(PROVIDERS))
        records.append(Record(oracle.expect(segment, tree), oracle.best[segment].expected))
        learner.buy(segment, outcomes, choose)
    return records
