"""Why a finished lookup has no answer."""

from __future__ import annotations

from msgspec import UNSET

from gateway.api.problems import RETRY_SOON, Problem, over_budget
from gateway.lookup.attempts import Attempt, Tally, seconds_until_asked, without_guesses
from gateway.lookup.lookup import Lookup
from gateway.lookup.routing import PATTERN

TOO_SOON = " `routing.timeout` leaves less time than they usually need."


def of_lookup(lookup: Lookup) -> Problem | None:
    """Why a finished lookup has no answer; None if it has one, even an empty one."""
    attempts, tally = lookup.attempts, lookup.tally
    asked = [item for item in without_guesses(attempts, lookup.operation) if _was_asked(item)]
    # A guess that was wrong says nothing of those who failed to answer.
    guessed_wrong = any(item.provider == PATTERN and item.outcome == "empty" for item in attempts)
    if lookup.answer or lookup.empties or (guessed_wrong and not asked):
        return None
    if asked:
        return _failed(attempts, asked, tally)
    if tally.obstacle is not None:
        return over_budget(tally.obstacle, attempts)
    detail = "No provider can be asked at the moment: " + _reasons(attempts)
    if any(item.reason == "timed_out" for item in attempts):
        detail += TOO_SOON
    wait = seconds_until_asked(attempts, tally)
    return Problem("no_provider_available", detail, retry_after=wait, attempts=attempts)


def _was_asked(item: Attempt) -> bool:
    """An old doubt stops a step without asking; a new one has its reason."""
    if item.outcome == "in_doubt":
        return item.reason is not UNSET
    return item.outcome != "skipped"


def _failed(attempts: list[Attempt], asked: list[Attempt], tally: Tally) -> Problem:
    detail = "None of the providers asked gave a clean answer: " + _reasons(attempts)
    if all(item.reason == "rate_limited" for item in asked):
        wait = tally.retry_after or RETRY_SOON
        return Problem("no_provider_available", detail, retry_after=wait, attempts=attempts)
    return Problem("all_providers_failed", detail, attempts=attempts)


def _reasons(attempts: list[Attempt]) -> str:
    shown = (f"{item.provider} {item.reason or item.outcome}" for item in attempts)
    return ", ".join(shown) + "."
