"""What every provider's every operation does with every kind of reply; names no provider.

Each check takes a case, an operation of a provider with one of its recordings, and raises
AssertionError. A recording that lacks what a check needs fails it: nothing is skipped.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from providers import errors, vocabulary
from providers.base import Adapter, Charge
from providers.model import OPERATIONS, QUERIES, Query
from tests.providers.playing import RECORDINGS, Stage, make_stage

Exchanges = list[dict[str, Any]]

HTML = "<!doctype html><title>One moment</title>"
REFUSALS = ("invalid_query", "unauthorised", "out_of_credits", "rate_limited")
CASES = ("found", "empty")
TIMED_OUT = 504
SERVER_ERRORS = (500, 502, 503, TIMED_OUT)
NEW_WORD = "brand_new_word"
ERRORS = {kind.reason: kind for kind in errors.ProviderError.__subclasses__()}
BROKEN: Sequence[tuple[type[httpx.HTTPError], type[errors.ProviderError], bool]] = (
    (httpx.ConnectError, errors.Unavailable, False),
    (httpx.ConnectTimeout, errors.TimedOut, False),
    (httpx.ReadTimeout, errors.TimedOut, True),
    (httpx.ReadError, errors.Unavailable, True),
    (httpx.RemoteProtocolError, errors.Unavailable, True),
)


@dataclass(frozen=True)
class Case:
    """An operation of `adapter`, as in one recording; `variant` names another way to ask."""

    adapter: type[Adapter]
    operation: str
    variant: str = ""
    folder: Path = RECORDINGS

    def __str__(self) -> str:
        return "-".join(filter(None, (self.adapter.name, self.operation, self.variant)))

    @property
    def recorded(self) -> dict[str, Any]:
        name = ".".join(filter(None, (self.operation, self.variant)))
        return self._read(name)

    @property
    def refusals(self) -> dict[str, Any]:
        return self._read("refusals")

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / self.adapter.name / f"{name}.json"
        assert path.exists(), f"{path.relative_to(self.folder)} is missing"
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    @property
    def query(self) -> Query:
        return msgspec.convert(self.recorded["query"], QUERIES[self.operation])

    def exchanges(self, case: str = "found") -> Exchanges:
        """Raises AssertionError if there is no such recording."""
        recorded = self.recorded
        assert case in recorded, f"{self}: no reply of the kind {case!r} is recorded"
        found: Exchanges = recorded[case]["exchanges"]
        return found

    def stage(self, exchanges: Sequence[Mapping[str, Any]]) -> Stage:
        return make_stage(
            self.adapter,
            exchanges,
            sign_in=self.refusals["sign_in"],
            options=self.recorded.get("options", {}),
        )


def cases_of(adapter: type[Adapter], folder: Path = RECORDINGS) -> Iterator[Case]:
    """One for each operation offered, recorded or not, and one for each further recording."""
    for operation in adapter.offers:
        yield Case(adapter, operation, folder=folder)
        for path in sorted((folder / adapter.name).glob(f"{operation}.*.json")):
            variant = path.stem.removeprefix(f"{operation}.")
            yield Case(adapter, operation, variant, folder)


async def failure(case: Case, exchanges: Sequence[Mapping[str, Any]]) -> errors.ProviderError:
    staged = case.stage(exchanges)
    with pytest.raises(errors.ProviderError) as caught:
        await staged.lookup(case.query)
    assert "secret" not in str(caught.value)
    return caught.value


async def check_declaration(case: Case) -> None:
    """The offer says what it costs, when, by whose word, and how it is asked."""
    offer = case.adapter.offers[case.operation]
    assert case.operation in OPERATIONS
    assert offer.source
    assert offer.read_on
    assert offer.unit
    assert (offer.charge is Charge.FREE) == (offer.units == 0)
    for method in filter(None, (offer.ask, offer.peek, offer.collect)):
        assert callable(getattr(case.adapter, method, None)), method


async def check_answer(case: Case, kind: str) -> None:
    """An answer is as recorded, and costs what is recorded."""
    recorded, query, exchanges = case.recorded, case.query, case.exchanges(kind)
    assert recorded["origin"]
    offer = case.adapter.offers[case.operation]
    assert offer.fits(query)
    staged = case.stage(exchanges)
    answer = await staged.lookup(query)
    assert msgspec.to_builtins(answer.data) == recorded[kind]["answer"]
    assert answer.next == recorded[kind].get("next")
    assert offer.charged_units(query, answer) == recorded[kind]["units"]
    assert answer.raw
    assert len(staged.player.requests) == len(exchanges)
    assert recorded[kind]["units"] <= offer.worst_units(query)


async def check_secret(case: Case) -> None:
    """A secret travels in headers only."""
    staged = case.stage(case.exchanges())
    await staged.lookup(case.query)
    for request in staged.player.requests:
        assert "secret" not in str(request.url)
        assert b"secret" not in request.content
        assert staged.is_signed(request)


async def check_refusal(case: Case, name: str) -> None:
    """A refusal is named by what to do, at whatever step it comes, and leaves no doubt."""
    known = case.refusals["refusals"]
    assert name in known, f"{case.adapter.name}: no refusal of the kind {name!r} is recorded"
    refusal, exchanges = known[name], case.exchanges()
    for at in range(len(exchanges)):
        error = await failure(case, [*exchanges[:at], refusal])
        named = type(error) is ERRORS[refusal["error"]]
        is_told = isinstance(error, errors.TaskFailed) and error.units is not None
        assert named or (at and is_told), (name, at)
        assert not error.uncertain
        if isinstance(error, errors.RateLimited):
            after = refusal.get("headers", {}).get("retry-after")
            assert error.retry_after == (float(after) if after else None)


async def check_refusals(case: Case) -> None:
    """Every recorded refusal is told apart."""
    for name in case.refusals["refusals"]:
        await check_refusal(case, name)


async def check_server_error(case: Case) -> None:
    """A server error is unavailability, at whatever step; only a time-out is a doubt."""
    exchanges = case.exchanges()
    for at, status in itertools.product(range(len(exchanges)), SERVER_ERRORS):
        broken = {"status": status, "reply": HTML}
        error = await failure(case, [*exchanges[:at], broken])
        assert type(error) is errors.Unavailable
        assert error.uncertain is (status == TIMED_OUT)


async def check_breaks(case: Case) -> None:
    """A time-out or a break tells whether the request may have arrived."""
    exchanges = case.exchanges()
    for at, (broken, kind, uncertain) in itertools.product(range(len(exchanges)), BROKEN):
        error = await failure(case, [*exchanges[:at], {"raises": broken("x")}])
        assert type(error) is kind
        assert error.uncertain is uncertain


async def check_malformed(case: Case, kind: str) -> None:
    """What is not the documented reply is malformed, and may have cost.

    `opaque` of a recording are the steps whose body says nothing.
    """
    exchanges = case.exchanges()
    for at in set(range(len(exchanges))) - set(case.recorded.get("opaque", ())):
        whole = msgspec.json.encode(exchanges[at]["reply"]).decode()
        reply = {"html": HTML, "truncated": whole[:-5], "nothing": "", "list": "[1]"}[kind]
        broken = [*exchanges[:at], {**exchanges[at], "reply": reply}]
        error = await failure(case, broken)
        assert type(error) is errors.MalformedResponse, at
        assert error.uncertain


MALFORMED = ("html", "truncated", "nothing", "list")


async def check_renamed(case: Case) -> None:
    """A renamed field that decides between hit and miss is malformed, and no miss."""
    decisive = case.recorded["decisive"]
    assert decisive
    for at, path in decisive:
        error = await failure(case, replaced(case.exchanges(), at, path, renamed=True))
        assert type(error) is errors.MalformedResponse, path
        assert error.uncertain


async def check_new_word(case: Case) -> None:
    """A word that no table knows is counted, and never an answer: unknown, or nothing.

    A recording without words of a fixed vocabulary says in `wordless` why there are none.
    """
    told = case.recorded["words"]
    assert told or case.recorded["wordless"]
    for at, path, expected in told:
        before = vocabulary.unknown_words.copy()
        exchanges = replaced(case.exchanges(), at, path, renamed=False)
        answer = await case.stage(exchanges).lookup(case.query)
        assert NEW_WORD.encode() not in msgspec.json.encode(answer.data)
        assert expected is None or expected in statuses(msgspec.to_builtins(answer.data))
        new = vocabulary.unknown_words - before
        assert {(word[0], word[2]) for word in new} == {(case.adapter.name, NEW_WORD)}


def replaced(exchanges: Exchanges, at: int, path: list[Any], *, renamed: bool) -> Exchanges:
    """The exchanges with the member at `path` renamed, or with a new word in its place."""
    copied = copy.deepcopy(exchanges)
    place = copied[at]["reply"]
    for step in path[:-1]:
        place = place[step]
    if renamed:
        place[f"new_{path[-1]}"] = place.pop(path[-1])
    else:
        place[path[-1]] = NEW_WORD
    return copied


def statuses(data: Any) -> list[str]:
    if isinstance(data, list):
        return list(itertools.chain.from_iterable(map(statuses, data)))
    if isinstance(data, dict):
        own = [data["status"]] if isinstance(data.get("status"), str) else []
        return own + list(itertools.chain.from_iterable(map(statuses, data.values())))
    return []
