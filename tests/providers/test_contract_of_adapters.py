"""What every provider's every operation does with every kind of reply; names no provider."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from providers import errors, vocabulary
from providers.base import Charge
from providers.model import OPERATIONS
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import Stage, StageMaker

PAIRS = [(name, operation) for name, adapter in ADAPTERS.items() for operation in adapter.offers]
REFUSALS = ("invalid_query", "unauthorised", "out_of_credits", "rate_limited")
# Their answers hold no word of a fixed vocabulary.
WORDLESS = {"emails.count", "companies.enrich", "contacts.search", "companies.search"}
HTML = "<!doctype html><title>One moment</title>"
ERRORS = {kind.reason: kind for kind in errors.ProviderError.__subclasses__()}

pytestmark = pytest.mark.parametrize("provider, operation", PAIRS)


def changed(exchanges: list[dict[str, Any]], at: int, **members: Any) -> list[dict[str, Any]]:
    copied = copy.deepcopy(exchanges)
    copied[at] |= members
    return copied


def replaced(
    exchanges: list[dict[str, Any]], at: int, path: list[Any], renamed: bool
) -> list[dict[str, Any]]:
    """The exchanges with the member at `path` renamed, or with a new word in its place."""
    copied = copy.deepcopy(exchanges)
    place = copied[at]["reply"]
    for step in path[:-1]:
        place = place[step]
    if renamed:
        place[f"new_{path[-1]}"] = place.pop(path[-1])
    else:
        place[path[-1]] = "brand_new_word"
    return copied


@pytest.fixture
def recorded(provider: str, operation: str, recording: Any) -> Any:
    return recording(provider, operation)


@pytest.fixture
def query(operation: str, recorded: Any, as_query: Any) -> Any:
    return as_query(operation, recorded["query"])


async def failure(staged: Stage, query: Any) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught:
        await staged.lookup(query)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("case", ["found", "empty"])
async def test_an_answer_is_as_recorded(
    provider: str, operation: str, case: str, recorded: Any, query: Any, stage: StageMaker
) -> None:
    assert recorded["origin"]
    offer = ADAPTERS[provider].offers[operation]
    staged = stage(provider, recorded[case]["exchanges"])
    answer = await staged.lookup(query)
    assert msgspec.to_builtins(answer.data) == recorded[case]["answer"]
    assert offer.charged_units(query, answer) == recorded[case]["units"]
    assert answer.raw
    assert len(staged.player.requests) == len(recorded[case]["exchanges"])
    assert recorded[case]["units"] <= offer.worst_units(query)


async def test_a_secret_travels_in_headers_only(
    provider: str, operation: str, recorded: Any, query: Any, stage: StageMaker
) -> None:
    staged = stage(provider, recorded["found"]["exchanges"])
    await staged.lookup(query)
    for request in staged.player.requests:
        assert "secret" not in str(request.url)
        assert b"secret" not in request.content
        assert {"x-api-key", "authorization"} & set(request.headers)


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_is_named_by_what_to_do(
    provider: str, operation: str, case: str, recording: Any, query: Any, stage: StageMaker
) -> None:
    refusal = recording(provider, "refusals")["refusals"][case]
    error = await failure(stage(provider, [refusal]), query)
    assert type(error) is ERRORS[refusal["error"]]
    assert not error.uncertain
    if isinstance(error, errors.RateLimited):
        after = refusal.get("headers", {}).get("retry-after")
        assert error.retry_after == (float(after) if after else None)


async def test_every_recorded_refusal_is_told_apart(
    provider: str, operation: str, recording: Any, query: Any, stage: StageMaker
) -> None:
    for name, refusal in recording(provider, "refusals")["refusals"].items():
        error = await failure(stage(provider, [refusal]), query)
        assert type(error) is ERRORS[refusal["error"]], name


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_unavailable(
    provider: str, operation: str, status: int, query: Any, stage: StageMaker
) -> None:
    error = await failure(stage(provider, [{"status": status, "reply": HTML}]), query)
    assert type(error) is errors.Unavailable


@pytest.mark.parametrize(
    "broken, kind, uncertain",
    [
        (httpx.ConnectError("x"), errors.Unavailable, False),
        (httpx.ConnectTimeout("x"), errors.TimedOut, False),
        (httpx.ReadTimeout("x"), errors.TimedOut, True),
        (httpx.ReadError("x"), errors.Unavailable, True),
        (httpx.RemoteProtocolError("x"), errors.Unavailable, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_a_timeout_or_break_tells_whether_it_may_have_arrived(
    provider: str,
    operation: str,
    broken: Exception,
    kind: type[errors.ProviderError],
    uncertain: bool,
    query: Any,
    stage: StageMaker,
) -> None:
    error = await failure(stage(provider, [{"raises": broken}]), query)
    assert type(error) is kind
    assert error.uncertain is uncertain


@pytest.mark.parametrize("case", ["html", "truncated", "empty_body", "list"])
async def test_what_is_not_the_documented_reply_is_malformed(
    provider: str, operation: str, case: str, recorded: Any, query: Any, stage: StageMaker
) -> None:
    exchanges = recorded["found"]["exchanges"]
    whole = msgspec.json.encode(exchanges[-1]["reply"]).decode()
    reply = {"html": HTML, "truncated": whole[:-5], "empty_body": "", "list": "[1]"}[case]
    error = await failure(stage(provider, changed(exchanges, -1, reply=reply)), query)
    assert type(error) is errors.MalformedResponse
    assert error.uncertain


async def test_a_renamed_field_that_decides_is_malformed_and_no_miss(
    provider: str, operation: str, recorded: Any, query: Any, stage: StageMaker
) -> None:
    assert recorded["decisive"]
    for at, path in recorded["decisive"]:
        exchanges = replaced(recorded["found"]["exchanges"], at, path, renamed=True)
        error = await failure(stage(provider, exchanges), query)
        assert type(error) is errors.MalformedResponse, path
        assert error.uncertain


async def test_a_new_word_is_unknown_and_counted(
    provider: str, operation: str, recorded: Any, query: Any, stage: StageMaker
) -> None:
    if recorded["word"] is None:
        assert operation in WORDLESS
        return
    at, path = recorded["word"]
    exchanges = replaced(recorded["found"]["exchanges"], at, path, renamed=False)
    before = vocabulary.unknown_words.copy()
    answer = await stage(provider, exchanges).lookup(query)
    assert "unknown" in statuses(msgspec.to_builtins(answer.data))
    new = vocabulary.unknown_words - before
    assert {(word[0], word[2]) for word in new} == {(provider, "brand_new_word")}


def statuses(data: Any) -> list[str]:
    if isinstance(data, list):
        return list(itertools.chain.from_iterable(map(statuses, data)))
    if isinstance(data, dict):
        own = [data["status"]] if isinstance(data.get("status"), str) else []
        return own + list(itertools.chain.from_iterable(map(statuses, data.values())))
    return []


async def test_the_offer_says_what_it_costs(provider: str, operation: str) -> None:
    offer = ADAPTERS[provider].offers[operation]
    adapter = ADAPTERS[provider]
    assert operation in OPERATIONS
    assert offer.source
    assert offer.read_on == "2026-11-21"
    assert offer.unit
    assert (offer.charge is Charge.FREE) == (offer.units == 0)
    for method in filter(None, (offer.ask, offer.peek, offer.collect)):
        assert callable(getattr(adapter, method))
