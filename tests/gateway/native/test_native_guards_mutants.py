"""Native calls without the guards of accounts: each check must notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.guard.breakers import NATIVE
from gateway.lookup import settling
from gateway.lookup.purchases import Purchases
from gateway.lookup.sending import Sender
from gateway.lookup.transit import NativeCall
from gateway.money.ledger import Ledger
from gateway.money.terms import Health
from providers.native import NativeApi
from providers.registry import ADAPTERS
from tests.gateway.native import test_native_guards as guards
from tests.gateway.native.conftest import StartNative
from tests.gateway.native.harness import Native
from tests.gateway.native.test_native_guards import timed
from tests.gateway.native.upstream import Upstream

__all__ = ["timed"]

Check = Callable[..., Awaitable[None]]
fail, hold = Purchases.fail, Ledger.hold


def silent(*_: Any) -> str:
    return ""


def by_status_alone(_call: NativeCall, error: Any) -> str:
    return settling.health_of(error)


def of_its_path(call: NativeCall) -> str:
    """Reads among them."""
    assert call.path is not None
    return ADAPTERS[call.provider].native.lookup_of(call.path) or NATIVE


def blaming(self: Purchases, held: Any, error: Any, *, health: Health = "", **more: Any) -> Any:
    return fail(self, held, error, health="fail" if health == "neutral" else health, **more)


async def held_alone(self: Ledger, *told: Any, breaker: str = "", **more: Any) -> bool:
    return await hold(self, *told, **more)


async def in_a_hurry(*_: Any) -> None:
    """No patience at all."""


MUTANTS: dict[str, tuple[Check, object, str, object]] = {
    "nothing is told": (
        guards.test_failures_of_native_calls_hold_lookups_too, NativeCall, "health_of", silent,
    ),
    "breakers of their own": (
        guards.test_failures_of_native_calls_hold_lookups_too, NativeApi, "lookup_of", silent,
    ),
    "nothing is heeded": (
        guards.test_failures_of_lookups_hold_native_calls_too, NativeApi, "lookup_of", silent,
    ),
    "nobody finds out": (
        guards.test_a_failing_probe_waits_twice_as_long, NativeCall, "health_of", silent,
    ),
    "reads are held": (
        guards.test_what_was_begun_is_read_whoever_fails, NativeCall, "breaker",
        property(of_its_path),
    ),
    "a task tells nothing": (
        guards.test_a_task_that_is_begun_ends_the_rest, Ledger, "hold", held_alone,
    ),
    "who leaves is counted": (
        guards.test_callers_who_leave_tell_nothing_and_find_out_nothing, Purchases, "fail",
        blaming,
    ),
    "no patience": (
        guards.test_patience_is_shared_with_lookups, Sender, "slow_down", in_a_hurry,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
async def test_calls_that_are_not_guarded_are_noticed(
    timed: Native, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, place, member, mutant = MUTANTS[name]
    monkeypatch.setattr(place, member, mutant)
    with pytest.raises((AssertionError, KeyError)):
        await check(timed)


async def test_callers_who_are_blamed_for_nothing_are_noticed(
    native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NativeCall, "health_of", by_status_alone)
    with pytest.raises(AssertionError):
        await guards.test_what_the_caller_did_wrong_is_no_failure(native, 418)


async def test_unknown_paths_that_hold_all_others_are_noticed(
    raw: Native, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NativeCall, "breaker", property(lambda _: NATIVE))
    with pytest.raises(AssertionError):
        await guards.test_unknown_paths_fail_alone(raw, upstream)


async def test_a_pace_of_their_own_is_noticed(
    start_native: StartNative, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sender, "paced", lambda *_: False)
    with pytest.raises(AssertionError):
        await guards.test_places_of_the_account_are_shared_with_lookups(start_native)
