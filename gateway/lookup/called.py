"""How a call to a provider ended, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.lookup.flags import fill_flags
from gateway.lookup.planner import Step
from gateway.lookup.tickets import OpenTicket
from gateway.money.amounts import cost_of
from gateway.money.terms import EntryState
from providers.base import Charge
from providers.errors import (
    InvalidQuery,
    OutOfCredits,
    ProviderError,
    Suppressed,
    TaskFailed,
    Unsupported,
)
from providers.model import Answer

REFUSALS = (InvalidQuery, Unsupported, Suppressed)


@dataclass(kw_only=True)
class Called:
    """How a call ended; `units` in thousandths and `cost` in micro-units are what is posted.

    `once` are units among them that may have been charged before, by what they are charged for.
    """

    state: EntryState
    units: int = 0
    cost: int = 0
    answer: Answer | None = None
    error: ProviderError | None = None
    upstream: float = 0.0
    once: Mapping[str, int] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        """Whether its lookup asks nobody else: its person has objected, or may have."""
        return isinstance(self.error, Suppressed)

    @property
    def is_objection(self) -> bool:
        """Whether it is remembered of its person: said of several, it is of nobody."""
        return isinstance(self.error, Suppressed) and not self.error.shared


def posted(answer: Answer, units: int, price: int) -> Called:
    fill_flags(answer.data)
    cost = cost_of(units, price)
    return Called(state="posted", units=units, cost=cost, answer=answer, once=answer.once)


def failed(step: Step, error: ProviderError) -> Called:
    """A refusal costs nothing, silence may have cost."""
    if isinstance(error, TaskFailed) and error.units is not None:
        return charged(error, error.units, step.price, error.once)
    if error.uncertain and not isinstance(error, OutOfCredits) and step.units:
        return Called(state="in_doubt", error=error)
    return Called(state="voided", error=error)


def spoilt(step: Step, kept: OpenTicket, error: ProviderError) -> Called:
    """A ticket without an answer: one of a per-call offer has cost, another may have.

    Where only answers are charged one that never ends may still become one.
    """
    if isinstance(error, TaskFailed) and error.units is not None:
        return charged(error, error.units, kept.price, error.once)
    if isinstance(error, OutOfCredits) or not kept.worst_units:
        return Called(state="voided", error=error)
    if step.offer.answers_only and isinstance(error, REFUSALS):
        return Called(state="voided", error=error)
    if step.offer.charge is Charge.PER_CALL and not step.offer.answers_only:
        return charged(error, kept.worst_units, kept.price)
    return Called(state="in_doubt", error=error)


def charged(
    error: ProviderError, units: int, price: int, once: Mapping[str, int] | None = None
) -> Called:
    cost = cost_of(units, price)
    return Called(state="posted", units=units, cost=cost, error=error, once=once or {})
