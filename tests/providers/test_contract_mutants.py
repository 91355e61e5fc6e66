"""The contract suite catches an adapter that breaks it; each mutant breaks one rule."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from providers.base import Adapter, Offer
from providers.errors import InvalidQuery, MalformedResponse, ProviderError, Unavailable
from providers.hunter import Hunter
from providers.model import EMAILS_FIND, Answer, Email, FindEmail, Ticket
from providers.snov import Snov
from tests.providers import contract
from tests.providers.contract import Case
from tests.providers.playing import RECORDINGS

Check = Callable[[Case], Awaitable[None]]
FOUND = (AssertionError, pytest.fail.Exception, KeyError)


class Tolerant(Struct):
    """A decisive field with a default."""

    data: Mapping[str, Any] = {}


class Keyed(Hunter):
    """Its key travels in the address."""

    async def find(self, query: FindEmail) -> Answer:
        secret = self.account.secret["api_key"]
        await self.send("GET", "/email-finder", params={"api_key": secret})
        return await super().find(query)


class Careless(Hunter):
    """Whatever goes wrong is a miss."""

    async def find(self, query: FindEmail) -> Answer:
        try:
            return await super().find(query)
        except ProviderError:
            return Answer(data=None, raw=b"x")


class Forgiving(Hunter):
    """A reply that can't be read is a miss."""

    async def find(self, query: FindEmail) -> Answer:
        try:
            return await super().find(query)
        except MalformedResponse:
            return Answer(data=None, raw=b"x")


class Defaulting(Hunter):
    """A field that is not there is nothing found."""

    async def find(self, query: FindEmail) -> Answer:
        asked = {"domain": "reddit.com", "first_name": "Alexis", "last_name": "Ohanian"}
        reply = await self.call("GET", "/email-finder", Tolerant, params=asked)
        email = reply.value.data.get("email")
        return Answer(data=Email(email=email) if email else None, raw=reply.body)


class Parroting(Hunter):
    """Hands the provider's word on as its own."""

    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        assert isinstance(answer.data, Email)
        answer.data.status = json.loads(answer.raw)["data"]["verification"]["status"]
        return answer


class Trusting(Hunter):
    """Takes a word that it does not know for the best."""

    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        assert isinstance(answer.data, Email)
        answer.data.status = "valid"
        return answer


class Blunt(Hunter):
    """Does not look at what a refusal says."""

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        return None


class Blaming(Hunter):
    """Takes the provider's faults for the caller's."""

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        return InvalidQuery if status >= 500 else super().classify(status, body)


class Doubtful(Hunter):
    """Sees a charge possible where the connection was never made."""

    async def find(self, query: FindEmail) -> Answer:
        try:
            return await super().find(query)
        except Unavailable as error:
            error.uncertain = True
            raise


class Secretive(Hunter):
    """Keeps the reply to itself."""

    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        return Answer(data=answer.data)


class Generous(Hunter):
    """Says that a hit is free."""

    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        answer.units = 0
        return answer


def with_offer(adapter: type[Adapter], **changes: Any) -> type[Adapter]:
    offer = replace(adapter.offers[EMAILS_FIND], **changes)

    class Offering(adapter):  # type: ignore[valid-type, misc]
        offers: ClassVar[Mapping[str, Offer]] = {EMAILS_FIND: offer}

    return Offering


class Impatient(Snov):
    """Takes a search that still runs for one that found nothing."""

    async def collect_found(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        found = await super().collect_found(query, ticket)
        return Answer(data=None, raw=b"x") if isinstance(found, Ticket) else found


class Pushing(Snov):
    """Pays without reading first."""

    async def read_found(self, query: FindEmail) -> Answer | Ticket | None:
        return None


answered = partial(contract.check_answer, kind="found")
refused = partial(contract.check_refusal, name="rate_limited")
malformed = partial(contract.check_malformed, kind="truncated")


@pytest.mark.parametrize(
    "adapter, check",
    [
        (Keyed, contract.check_secret),
        (Careless, refused),
        (Careless, contract.check_server_error),
        (Careless, contract.check_breaks),
        (Careless, malformed),
        (Careless, contract.check_renamed),
        (Forgiving, malformed),
        (Forgiving, partial(contract.check_malformed, kind="html")),
        (Defaulting, contract.check_renamed),
        (Parroting, contract.check_new_word),
        (Trusting, contract.check_new_word),
        (Blunt, contract.check_refusals),
        (Blaming, contract.check_server_error),
        (Doubtful, contract.check_breaks),
        (Secretive, answered),
        (Generous, answered),
        (Impatient, answered),
        (Pushing, answered),
        (with_offer(Hunter, units=1), answered),
        (with_offer(Hunter, fits=lambda _query: False), answered),
        (with_offer(Hunter, read_on=""), contract.check_declaration),
        (with_offer(Hunter, source=""), contract.check_declaration),
        (with_offer(Hunter, units=0), contract.check_declaration),
        (with_offer(Hunter, ask="nothing"), contract.check_declaration),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_mutant_is_caught(adapter: type[Adapter], check: Check) -> None:
    sound = adapter.__mro__[1]
    await check(Case(sound, EMAILS_FIND))
    with pytest.raises(FOUND):
        await check(Case(adapter, EMAILS_FIND))


@pytest.mark.parametrize("member", ["found", "empty", "decisive", "words", "origin", "query"])
async def test_a_recording_that_lacks_something_is_red(member: str, tmp_path: Path) -> None:
    """Never skipped: what is not recorded is not shown."""
    checks: list[Check] = [
        partial(contract.check_answer, kind="found"),
        partial(contract.check_answer, kind="empty"),
        contract.check_renamed,
        contract.check_new_word,
    ]
    folder = tmp_path / "hunter"
    folder.mkdir()
    for name in ("refusals", "emails.find"):
        recorded = json.loads((RECORDINGS / "hunter" / f"{name}.json").read_text())
        recorded.pop(member, None)
        (folder / f"{name}.json").write_text(json.dumps(recorded))
    red = 0
    for check in checks:
        try:
            await check(Case(Hunter, EMAILS_FIND, folder=tmp_path))
        except FOUND:
            red += 1
    assert red


@pytest.mark.parametrize("name", contract.REFUSALS)
async def test_a_refusal_that_is_not_recorded_is_red(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "hunter"
    folder.mkdir()
    for file in ("refusals", "emails.find"):
        recorded = json.loads((RECORDINGS / "hunter" / f"{file}.json").read_text())
        recorded.get("refusals", {}).pop(name, None)
        (folder / f"{file}.json").write_text(json.dumps(recorded))
    with pytest.raises(AssertionError, match=name):
        await contract.check_refusal(Case(Hunter, EMAILS_FIND, folder=tmp_path), name)
