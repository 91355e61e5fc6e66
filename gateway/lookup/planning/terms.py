"""What a plan is made from and what it says: micro-units of money, millionths of certainty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from providers.model import Status

Order = Literal["listed", "cheapest", "learned"]
Charging = Literal["per_call", "per_hit", "per_row", "free"]
Hand = Literal["", "catch_all", "unknown"]

MILLION = 1_000_000
# Calls, answers, and of the answers those that were valid, catch_all and unknown.
Counts = tuple[int, ...]
Cells = Mapping[str, Counts]
# Of one operation: what is known of each provider, by cell.
Statistics = Mapping[str, Cells]


class Prior(Struct, frozen=True, kw_only=True):
    """What is taken for true of a provider that nobody has asked yet.

    Assumed: about half of all persons are found, and most of what is found is valid. `millis` is
    the time until an answer. It weighs as much as `estimation.WEIGHT` calls.
    """

    hit: float = 0.5
    valid: float = 0.75
    catch_all: float = 0.1
    unknown: float = 0.05
    millis: int = 1000


class Option(Struct, frozen=True, kw_only=True):
    """One provider as the planner sees it; what it may cost at worst is reserved.

    `per_call` is paid whatever comes, `per_hit` for an answer, `per_verdict` for one that is not
    unknown, `per_row` for each row of it, of which `rows` are expected until more is known.
    `verify` is the price of having an unknown answer checked by somebody else, None if nobody
    does, and `confirms` how often that finds it valid. `accept` are the statuses of its answers
    that will be accepted, None for those of the policy. `barred` says why the provider can't be
    asked at all.
    """

    provider: str
    per_call: int = 0
    per_hit: int = 0
    per_verdict: int = 0
    per_row: int = 0
    rows: int = 1
    worst: int = 0
    verify: int | None = None
    confirms: int = MILLION // 2
    accept: tuple[Status, ...] | None = None
    barred: str = ""


class Policy(Struct, frozen=True, kw_only=True):
    """How the caller wants it.

    `value` is what an accepted answer is worth, None for whatever it costs. `worth` is the share
    of it that a catch_all and an unknown answer are worth. `wait_price` is per second. `want` are
    fields that an answer must have.
    """

    order: Order = "learned"
    accept: tuple[Status, ...] = ("valid",)
    min_confidence: int = 0
    value: int | None = None
    worth: tuple[int, int] = (0, 0)
    wait_price: int = 0
    max_cost: int | None = None
    prior: Prior = Prior()
    want: tuple[str, ...] = ()


class Question(Struct, frozen=True, kw_only=True):
    """A lookup to be planned; `options` in the listed order, `seed` the lookup's own id."""

    segment: str
    options: tuple[Option, ...]
    policy: Policy = Policy()
    seed: str = ""


class State(Struct, frozen=True, kw_only=True):
    """How far a lookup is: who has missed, the weak answer in hand, the money spent.

    `failed` are those that were passed over, or gave no clean answer: they are not asked again,
    and teach nothing. `told` are the wanted fields that are in hand.
    """

    missed: tuple[str, ...] = ()
    hand: Hand = ""
    spent: int = 0
    failed: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


START = State()


class Rating(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What asking a provider now comes to.

    `index` is the money per accepted answer by which it was ranked, drawn from what is known;
    `mean` the same without the draw. `cost` and `chance` are expected of one call, `seen` is how
    many calls like it are known. `reason` says why it is not asked. `check` is what verifying its
    answer would cost beyond `worst`, 0 if that is never done; `cost` has what is expected of it.
    """

    provider: str
    index: int
    mean: int
    cost: int
    chance: int
    worst: int
    seen: int
    reason: str
    check: int = 0


class Plan(Struct, frozen=True, kw_only=True):
    """Everyone in turn, should each before have missed; expected and worst cost of it all."""

    steps: tuple[Rating, ...]
    left_out: tuple[Rating, ...]
    cost: int
    worst: int
    chance: int


def priced(provider: str, charge: Charging, price: int, *, worst: int, rows: int = 1) -> Option:
    """The option of a charge model; `price` is of one call, hit or row."""
    return Option(
        provider=provider,
        per_call=price if charge == "per_call" else 0,
        per_hit=price if charge == "per_hit" else 0,
        per_row=price if charge == "per_row" else 0,
        rows=rows,
        worst=worst,
    )
