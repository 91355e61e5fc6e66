"""The native paths without what upholds them: each check must notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from gateway.api.native import application, contents, framing, keys, persons
from gateway.api.native.persons import Named
from gateway.api.native.request import NativeRequest
from gateway.api.protocol import ProblemProtocol
from gateway.lookup import along, transit, transits
from gateway.lookup.open_tasks import OpenTasks
from gateway.lookup.purchases import Purchases
from gateway.lookup.transit import Clerk, Transit
from gateway.lookup.transits import Transits, Worst
from gateway.money.ledger import Ledger
from gateway.vault.passes import Pass
from providers import native as native_tables
from providers.native import NativeApi
from tests.gateway.native import test_native_bytes as passed
from tests.gateway.native import test_native_every_endpoint as every
from tests.gateway.native import test_native_hostile as hostile
from tests.gateway.native import test_native_money as money
from tests.gateway.native import test_native_objections as objections
from tests.gateway.native import test_native_refusals as refusals
from tests.gateway.native.conftest import StartNative
from tests.gateway.native.harness import Native
from tests.gateway.native.upstream import Upstream

Check = Callable[..., Awaitable[None]]
Patches = Mapping[tuple[Any, str], Any]

quiet = objections.quiet


def nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""


async def later_nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""


def as_it_is(first: Any, *_: Any) -> Any:
    return first


def void(self: Purchases, held: Any, error: Any) -> Any:
    return self.settle(held, "voided", outcome="failed", reason=error.reason)


async def charged_again(*_: Any) -> bool:
    return True


post = Transit._post


async def post_nothing(self: Transit, _units: int, *told: Any, **more: Any) -> None:
    await post(self, 0, *told, **more)


async def nobody(*_: Any) -> Named:
    return Named((), (), (), sole=False)


def host_alone(hosts: Any) -> list[str]:
    return [f"domain:{host}" for host in hosts]


def raw_alone(text: str) -> list[str]:
    return [text]


def carry(self: Any) -> None:
    """Without a new list, a trailer joins the headers."""
    super(ProblemProtocol, self).on_headers_complete()
    self.cycle.scope["target"] = bytes(self.url)


def first_of(held: Any, _bench: Any, name: str | None = None, **_: Any) -> Any:
    """Whether it is benched or not."""
    named = [one for one in held if name is None or name in (one.id, one.name)]
    return max(named, key=lambda one: one.weight)


def of_anyone(credentials: Any, provider: str, _team: str) -> Any:
    """Whoever may use it."""
    return [one for one in credentials if one.provider == provider]


NATIVE: dict[str, tuple[Check, Patches]] = {
    "no worst case": (
        money.test_a_budget_that_only_the_worst_exceeds_is_refused,
        {(Transits, "_worst"): lambda *_: Worst("cent", 0, 0)},
    ),
    "unknown paths are free": (
        money.test_an_unknown_path_reserves_the_dearest_and_posts_nothing,
        {(Transits, "_worst"): lambda *_: Worst("", 0, 0)},
    ),
    "nothing is posted": (
        every.test_a_page_of_a_hundred_costs_ten,
        {(Transit, "_post"): post_nothing},
    ),
    "charged every time": (
        every.test_what_is_charged_once_is_booked_once,
        {(Ledger, "charges"): charged_again},
    ),
    "a caller who leaves ends it": (
        money.test_a_caller_who_hangs_up_has_bought_all_the_same,
        {(Transit, "must_be_read"): property(lambda _: False)},
    ),
    "no scope of accounts": (
        refusals.test_account_objects_need_their_scope_too,
        {(application, "check_scope"): nothing},
    ),
    "secrets for everyone": (
        refusals.test_secrets_keys_and_members_are_for_administrators,
        {(NativeApi, "_access"): lambda *_: ""},
    ),
    "any method": (
        refusals.test_a_known_path_is_asked_with_its_own_methods,
        {(native_tables, "_is_meant"): lambda *_: False},
    ),
    "sign-ins pass": (
        refusals.test_nobody_signs_in_with_the_provider,
        {(NativeApi, "is_sign_in"): lambda *_: False, (NativeApi, "_access"): lambda *_: ""},
    ),
    "any token will do": (
        refusals.test_a_token_that_was_tampered_with_is_none,
        {(Pass, "proves"): lambda *_: True},
    ),
    "a refusal of a path benches": (
        refusals.test_a_forbidden_path_says_nothing_of_the_account,
        {(Clerk, "heard"): lambda self, _call, *told: self.desk.market.heard(*told)},
    ),
    "451s are forgotten": (
        objections.test_a_providers_451_is_remembered_for_that_person,
        {(transit, "Suppressed"): ZeroDivisionError},
    ),
}


RAW: dict[str, tuple[Check, Patches]] = {
    "the query keeps the key": (
        passed.test_a_key_is_taken_where_the_providers_clients_put_it_and_goes_no_further,
        {(keys, "cut_query"): as_it_is, (NativeRequest, "check_leak"): nothing},
    ),
    "the body keeps the token": (
        passed.test_snovs_token_leaves_a_body_that_is_the_same_otherwise,
        {(keys, "cut_body"): as_it_is, (NativeRequest, "check_leak"): nothing},
    ),
    "headers keep their keys": (
        passed.test_headers_pass_but_for_those_of_the_connection,
        {(framing, "CREDENTIALS"): frozenset()},
    ),
    "no search for keys": (
        passed.test_a_key_in_any_other_place_is_refused,
        {(NativeRequest, "check_leak"): nothing},
    ),
    "secrets come back": (
        passed.test_the_providers_secret_is_covered_if_it_comes_back,
        {(along.Veil, "cover"): lambda _self, text: text},
    ),
    "secrets come back in pieces": (
        passed.test_the_providers_secret_is_covered_if_it_comes_back,
        {(along, "_begun"): lambda *_: 0},
    ),
    "sessions come back": (
        passed.test_a_reply_comes_back_as_it_was_said,
        {(framing, "to_reply_headers"): lambda _status, headers: headers},
    ),
    "any path": (
        hostile.test_no_path_leads_out_of_the_base_url,
        {(framing, "check_path"): nothing},
    ),
    "paths decoded once": (
        hostile.test_no_path_leads_out_of_the_base_url,
        {(framing, "unicodedata"): type("U", (), {"normalize": lambda _form, text: text})},
    ),
    "any target": (
        hostile.test_no_target_leads_to_another_host,
        {(framing, "split_target"): lambda scope: ("hunter", b"/x", b"")},
    ),
    "any framing": (
        hostile.test_no_request_hides_behind_another,
        {(framing, "check_framing"): nothing},
    ),
    "trailers are headers": (
        hostile.test_what_comes_behind_a_body_is_no_header,
        {(ProblemProtocol, "on_headers_complete"): carry},
    ),
}
QUIET: dict[str, tuple[Check, Patches, list[Any]]] = {
    "nobody is looked for": (
        objections.test_whoever_objected_is_asked_about_nowhere,
        {(application, "named_in"): nobody},
        objections.EMAILS,
    ),
    "only what is plain": (
        objections.test_whoever_objected_is_asked_about_nowhere,
        {(contents, "_decoded"): raw_alone},
        objections.EMAILS,
    ),
    "only the domain itself": (
        objections.test_whoever_objected_is_asked_about_nowhere,
        {(persons, "marks_of_domains"): host_alone},
        objections.DOMAINS,
    ),
    "no bare handles": (
        objections.test_whoever_objected_is_asked_about_nowhere,
        {(persons, "HANDLES"): ()},
        objections.PROFILES,
    ),
    "no names": (
        objections.test_whoever_objected_is_asked_about_nowhere,
        {(persons, "_people"): lambda _: ()},
        objections.NAMES,
    ),
    "the last of twins": (
        objections.test_whoever_objected_is_asked_about_nowhere,
        {(contents, "_Object"): dict},
        objections.EMAILS,
    ),
}


def sabotage(monkeypatch: pytest.MonkeyPatch, patches: Patches) -> None:
    for (place, name), mutant in patches.items():
        monkeypatch.setattr(place, name, mutant)


@pytest.mark.parametrize("name", NATIVE)
async def test_a_gateway_without_its_rule_is_noticed(
    native: Native, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, patches = NATIVE[name]
    sabotage(monkeypatch, patches)
    with pytest.raises((AssertionError, KeyError)):
        await check(native)


@pytest.mark.parametrize("name", RAW)
async def test_bytes_that_should_not_have_passed_are_noticed(
    raw: Native, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, patches = RAW[name]
    sabotage(monkeypatch, patches)
    with pytest.raises(AssertionError):
        await check(raw, upstream)


@pytest.mark.parametrize("name", QUIET)
async def test_a_person_who_is_overlooked_is_noticed(
    quiet: Native, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, patches, carried = QUIET[name]
    sabotage(monkeypatch, patches)
    with pytest.raises(AssertionError):
        await check(quiet, carried)


async def test_a_crowd_that_is_not_looked_through_is_noticed(
    quiet: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transits, "_checked", later_empty)
    with pytest.raises(AssertionError):
        await objections.test_one_among_many_is_found(quiet, monkeypatch)


async def later_empty(*_: Any) -> tuple[str, ...]:
    return ()


async def test_doubts_that_are_voided_are_noticed(
    native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Purchases, "fail", void)
    with pytest.raises(AssertionError):
        await money.test_failures_are_booked_as_those_of_lookups(
            native, "close", "in_doubt", "unavailable", 502
        )


@pytest.mark.parametrize(
    "name, mutant, check, more",
    [
        ("pool", of_anyone, refusals.test_another_teams_account_is_not_there, ()),
        (
            "pick",
            first_of,
            refusals.test_a_refused_account_is_benched_and_the_next_is_asked,
            ("unauthorized", 401),
        ),
    ],
)
async def test_an_account_that_is_not_to_be_used_is_noticed(
    start_native: StartNative,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    mutant: object,
    check: Check,
    more: tuple[Any, ...],
) -> None:
    monkeypatch.setattr(transits, name, mutant)
    with pytest.raises(AssertionError):
        await check(start_native, *more)


async def test_a_task_read_by_another_account_is_noticed(
    start_native: StartNative, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenTasks, "find", later_nothing)
    with pytest.raises((AssertionError, KeyError)):
        await refusals.test_a_task_is_read_by_the_account_that_began_it(start_native)
