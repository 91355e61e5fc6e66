"""Every action of every account against every kind of reply; names no provider."""

from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest

from providers import errors, vocabulary
from providers.accounts.base import ACTIONS, Accounts
from providers.accounts.objects import Done, Listed
from providers.accounts.refusals import Missing, Refused
from providers.registry import ACCOUNTS, account_actions
from tests.providers.accounts.stage import (
    Case,
    Played,
    cases,
    check_request,
    perform,
    refusals_of,
    shown,
)

RECORDED = list(cases())
NAMES = [f"{provider}-{action}-{at}" for at, (provider, action, _) in enumerate(RECORDED)]
HTML = "<!doctype html><title>One moment</title>"
REPLIES = {"html": HTML, "truncated": "", "empty": "", "number": "5"}
recorded = pytest.mark.parametrize("provider, action, case", RECORDED, ids=NAMES)


def played(case: Case, **changes: Any) -> Played:
    return Played(**{"reply": case["reply"], "status": case["status"], **changes})


def changed(reply: Any, path: list[Any], *, to: str | None = None) -> Any:
    """The reply with its member at `path` renamed, or with another word in its place."""
    copied = copy.deepcopy(reply)
    place = copied
    for step in path[:-1]:
        place = place[step]
    if to is None:
        place["renamed"] = place.pop(path[-1])
    else:
        place[path[-1]] = to
    return copied


def test_every_action_is_recorded_and_no_other() -> None:
    offered = {(name, action) for name in ACCOUNTS for action in account_actions(name)}
    assert {(provider, action) for provider, action, _ in RECORDED} == offered


@pytest.mark.parametrize("provider, accounts", ACCOUNTS.items())
def test_what_is_declared_is_what_there_is(provider: str, accounts: type[Accounts]) -> None:
    own = {
        name
        for name, action in ACTIONS.items()
        if getattr(accounts, action.method) is not getattr(Accounts, action.method)
    }
    assert own == set(accounts.endpoints)
    assert accounts.name == provider
    assert accounts.endpoints_read_on == "2026-11-21"


@recorded
async def test_a_reply_is_mapped_as_recorded(provider: str, action: str, case: Case) -> None:
    stage = played(case)
    found = await perform(provider, action, case["given"], stage)
    answer = shown(found)
    for member in case.get("volatile", ()):
        assert answer["data"].pop(member)
    assert answer == case["answer"]
    [request] = stage.requests
    check_request(request, case)
    assert "secret" not in str(request.url)
    assert b"secret" not in request.content
    if case["reply"]:
        assert found.raw


@recorded
async def test_what_is_not_there_is_empty_or_missing(
    provider: str, action: str, case: Case
) -> None:
    if case["empty"] is None:
        assert not _can_be_empty(action)
        return
    stage = Played(**case["empty"])
    if action.endswith((".list", ".events")):
        found = await perform(provider, action, case["given"], stage)
        assert isinstance(found, Listed)
        assert (found.rows, found.next) == ([], None)
        return
    with pytest.raises(Missing) as missing:
        await perform(provider, action, case["given"], stage)
    assert "@" not in str(missing.value)


def _can_be_empty(action: str) -> bool:
    """What is made, or is the account itself, is there."""
    return not action.endswith((".create", ".upsert")) and action != "account.read"


@recorded
async def test_refusals_are_named_by_what_to_do(provider: str, action: str, case: Case) -> None:
    refusals = refusals_of(provider)
    for name in ("unauthorised", "rate_limited", "out_of_credits"):
        refusal = refusals[name]
        stage = Played(refusal["reply"], refusal["status"], refusal.get("headers", {}))
        with pytest.raises(errors.ProviderError) as caught:
            await perform(provider, action, case["given"], stage)
        assert caught.value.reason == refusal["error"], name
        assert not caught.value.uncertain


@recorded
async def test_what_does_not_fit_is_refused_in_the_providers_words(
    provider: str, action: str, case: Case
) -> None:
    refusal = refusals_of(provider)["invalid_query"]
    with pytest.raises(Refused) as caught:
        await perform(provider, action, case["given"], Played(refusal["reply"], refusal["status"]))
    [complaint] = caught.value.complaints
    assert "domain" in complaint.details


@recorded
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_unavailable(
    provider: str, action: str, case: Case, status: int
) -> None:
    stage = Played(HTML, status)
    with pytest.raises(errors.Unavailable):
        await perform(provider, action, case["given"], stage)
    assert len(stage.requests) == 1


@recorded
@pytest.mark.parametrize("broken", [httpx.ReadError("x"), httpx.ReadTimeout("x")], ids=repr)
async def test_a_broken_exchange_is_uncertain_and_not_repeated(
    provider: str, action: str, case: Case, broken: Exception
) -> None:
    stage = played(case, breaks=broken)
    with pytest.raises(errors.ProviderError) as caught:
        await perform(provider, action, case["given"], stage)
    assert caught.value.uncertain
    assert len(stage.requests) == 1


@recorded
@pytest.mark.parametrize("kind", REPLIES)
async def test_what_is_not_the_documented_reply_is_malformed(
    provider: str, action: str, case: Case, kind: str
) -> None:
    if not case["reply"] and kind in ("truncated", "empty"):
        assert isinstance(await perform(provider, action, case["given"], played(case)), Done)
        return
    whole = played(case).play(httpx.Request("GET", "http://x/y")).content
    reply = whole[:-4] if kind == "truncated" else REPLIES[kind]
    with pytest.raises(errors.MalformedResponse) as caught:
        await perform(provider, action, case["given"], played(case, reply=reply))
    assert caught.value.uncertain


@recorded
async def test_a_renamed_field_that_decides_is_malformed_and_no_miss(
    provider: str, action: str, case: Case
) -> None:
    if case["decisive"] is None:
        assert not case["reply"]
        return
    reply = changed(case["reply"], case["decisive"])
    with pytest.raises(errors.MalformedResponse):
        await perform(provider, action, case["given"], played(case, reply=reply))


@recorded
async def test_a_new_word_is_unknown_and_counted(provider: str, action: str, case: Case) -> None:
    if "word" not in case:
        return
    reply = changed(case["reply"], case["word"], to="sideways")
    before = vocabulary.unknown_words.copy()
    found = await perform(provider, action, case["given"], played(case, reply=reply))
    assert "'unknown'" in str(shown(found))
    [new] = vocabulary.unknown_words - before
    assert new[0] == provider
    assert "sideways" in new[2]


ADDRESSED = [
    (provider, action, case)
    for provider, action, case in RECORDED
    if ACTIONS[action].names == "path" and f"/{case['given'][0]}" in case["request"]
]


@pytest.mark.parametrize("provider, action, case", ADDRESSED)
@pytest.mark.parametrize("name", [".", ".."])
async def test_an_id_does_not_leave_its_place_in_a_path(
    provider: str, action: str, case: Case, name: str
) -> None:
    stage = played(case)
    with pytest.raises(Missing):
        await perform(provider, action, [name, *case["given"][1:]], stage)
    assert not stage.requests


@pytest.mark.parametrize("provider, action, case", ADDRESSED)
async def test_an_id_is_one_segment_of_a_path(provider: str, action: str, case: Case) -> None:
    stage = played(case)
    await perform(provider, action, ["a/b?c=1#d", *case["given"][1:]], stage)
    assert b"/a%2Fb%3Fc%3D1%23d" in stage.requests[0].url.raw_path
