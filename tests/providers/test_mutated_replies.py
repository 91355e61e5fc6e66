"""Spoilt replies: an answer that the reply holds, or a ProviderError; never anything else."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import httpx
import msgspec
import pytest

from gateway.lookup.judge import Accept, judge
from providers.errors import ProviderError
from providers.hunter import Hunter
from providers.model import (
    Answer,
    Datum,
    Email,
    EmailCount,
    FindEmail,
    Query,
    Ticket,
    Verification,
)
from providers.registry import ADAPTERS
from providers.values.links import to_domain
from tests.providers import contract
from tests.providers.contract import Case
from tests.providers.mutation import spoil
from tests.providers.playing import BASE_URL, SECONDS, Stage, response_of

REPLIES = 1000
POLLS = 12
CASES = [case for adapter in ADAPTERS.values() for case in contract.cases_of(adapter)]
ACCEPT = Accept(statuses=("valid", "catch_all", "disposable", "invalid", "unknown"))
# Told by us: of the query, of our vocabulary, or where a datum stands in the reply.
OURS = {"kind", "status", "address_type", "seniority", "department", "webmail", "disposable"}
_WORDS = re.compile(r"[^\W_]+")


class Spoiler:
    """Plays a recording with one of its replies spoilt, the last of them for ever."""

    def __init__(self, case: Case, kind: str, random: Random):
        self.exchanges = case.exchanges(kind)
        self.sign_in = case.refusals["sign_in"]
        self.at = random.randrange(len(self.exchanges))
        self.body = spoil(body_of(self.exchanges[self.at]), random)
        self.seen: list[bytes] = []
        self.count = 0

    async def play(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path.removeprefix('/root')}"
        if self.sign_in is not None and asked == self.sign_in["request"]:
            return response_of(self.sign_in)
        at = min(self.count, len(self.exchanges) - 1)
        self.count += 1
        body = self.body if at == self.at else body_of(self.exchanges[at])
        self.seen.append(body)
        return httpx.Response(self.exchanges[at].get("status", 200), content=body)


def body_of(exchange: Any) -> bytes:
    reply = exchange["reply"]
    return reply.encode() if isinstance(reply, str) else msgspec.json.encode(reply)


async def ask(staged: Stage, query: Query) -> Answer | Ticket:
    found = await staged.adapter.peek(query, seconds=SECONDS)
    if found is None:
        found = await staged.adapter.ask(query, seconds=SECONDS)
    for _poll in range(POLLS):
        if isinstance(found, Answer):
            break
        found = await staged.adapter.collect(query, found, seconds=SECONDS)
    return found


def strings(data: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an answer that the provider must have said, with the name of its field."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from strings(value, key)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value, name)
    elif isinstance(data, str) and name not in OURS:
        yield name, data


def fold(text: str) -> set[str]:
    """Words as they survive our normalisation: letters and digits, composed, of one case."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return set(_WORDS.findall(unicodedata.normalize("NFKC", whole)))


def texts_in(body: bytes) -> str:
    """What a reply says, its escapes undone."""
    try:
        return " ".join(_leaves(json.loads(body)))
    except ValueError:
        return body.decode("utf-8", "replace")


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member)
    else:
        yield str(value)


def unheard(query: Query, data: Datum | None, seen: Sequence[bytes]) -> list[str]:
    """Texts of an answer that neither the query nor a reply holds."""
    said = " ".join([*map(texts_in, seen), *_leaves(msgspec.to_builtins(query))])
    known, bare = fold(said), re.sub(r"\W", "", said)
    found = []
    for name, text in strings(msgspec.to_builtins(data)):
        if name in ("phone", "country", "start", "end", "first_seen", "last_seen"):
            continue
        missing = {word for word in fold(text) if word not in known and word not in WEB}
        if missing and not is_derived(name, text, said) and re.sub(r"\W", "", text) not in bare:
            found.append(f"{name}: {text!r}")
    return found


WEB = {"https", "www", "linkedin", "com", "in", "company"}


def is_derived(name: str, text: str, said: str) -> bool:
    """A domain in IDNA, a profile in percent signs: the same, otherwise written."""
    if name in ("domain", "related_domains"):
        return any(to_domain(word) == text for word in said.split()) or text in said.lower()
    return name == "linkedin_url"


def false_status(data: Datum | None, seen: Sequence[bytes]) -> bool:
    """`valid` without a word of the provider's for it."""
    said = " ".join(map(texts_in, seen)).lower()
    mails = [data] if isinstance(data, Email | Verification) else []
    return any(mail.status == "valid" and not re.search(r"\b(valid|ok)\b", said) for mail in mails)


def false_count(data: Datum | None, seen: Sequence[bytes]) -> bool:
    said = " ".join(map(texts_in, seen))
    return isinstance(data, EmailCount) and not re.search(rf"\b{data.total}\b", said)


async def faults(case: Case, count: int, seed: str = "") -> list[str]:
    """What went wrong with `count` spoilt replies."""
    random = Random(f"{case}{seed}")
    query, found = case.query, []
    staged = case.stage(case.exchanges())
    for number in range(count):
        spoiler = Spoiler(case, random.choice(contract.CASES), random)
        staged.adapter.transport = httpx.MockTransport(spoiler.play)
        try:
            answer = await ask(staged, query)
        except ProviderError as error:
            if error.__cause__ is not None and not isinstance(error.__cause__, ProviderError):
                found.append(f"{number}: tripped over {spoiler.body!r}: {error.__cause__!r}")
            continue
        except Exception as error:  # noqa: BLE001 - any other is what is looked for
            found.append(f"{number}: {error!r} at {spoiler.body!r}")
            continue
        if isinstance(answer, Answer):
            found += [
                f"{number}: {fault} of {spoiler.body!r}" for fault in wrong(query, answer, spoiler)
            ]
    return found


def wrong(query: Query, answer: Answer, spoiler: Spoiler) -> Iterator[str]:
    if judge(query, answer.data, ACCEPT) != "accepted":
        return
    msgspec.json.encode(answer.data)
    for text in unheard(query, answer.data, spoiler.seen):
        yield f"unheard {text}"
    if false_status(answer.data, spoiler.seen):
        yield "valid by nobody's word"
    if false_count(answer.data, spoiler.seen):
        yield "a number that nobody said"
    if answer.units is not None and answer.units < 0:
        yield "negative units"


@pytest.mark.gate
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_spoilt_reply_is_an_error_or_an_answer_that_it_holds(case: Case) -> None:
    assert BASE_URL in str(case.stage(case.exchanges()).adapter.account.base_url)
    assert not await faults(case, REPLIES)


class Inventor(Hunter):
    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        if isinstance(answer.data, Email):
            answer.data.email = "guess@reddit.com"
        return answer


class Optimist(Hunter):
    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        if isinstance(answer.data, Email):
            answer.data.status = "valid"
        return answer


class Stumbler(Hunter):
    async def find(self, query: FindEmail) -> Answer:
        reply = await self.send("GET", "/email-finder")
        email = json.loads(reply.body)["data"]["email"]
        return Answer(data=Email(email=email) if email else None, raw=reply.body)


class Sleeper(Hunter):
    async def find(self, query: FindEmail) -> Answer:
        answer = await super().find(query)
        if answer.data is None:
            raise RuntimeError("an error that nobody expects")
        return answer


class Miscounter(Hunter):
    async def count(self, query: Any) -> Answer:
        answer = await super().count(query)
        assert isinstance(answer.data, EmailCount)
        answer.data.total += 7
        return answer


@pytest.mark.parametrize(
    "adapter, operation, fault",
    [
        (Inventor, "emails.find", "unheard email"),
        (Optimist, "emails.find", "valid by nobody's word"),
        (Stumbler, "emails.find", "tripped over"),
        (Sleeper, "emails.find", "RuntimeError"),
        (Miscounter, "emails.count", "a number that nobody said"),
    ],
)
async def test_a_mutant_is_caught(adapter: type[Hunter], operation: str, fault: str) -> None:
    found = await faults(Case(adapter, operation), REPLIES)
    assert any(fault in one for one in found), found


async def test_damage_is_of_every_kind_and_the_same_every_time() -> None:
    """Some spoilt replies still hold an answer, others are refused: else nothing is shown."""
    case = Case(Hunter, "emails.find")
    bodies = {Spoiler(case, "found", Random(number)).body for number in range(300)}
    again = {Spoiler(case, "found", Random(number)).body for number in range(300)}
    assert bodies == again
    assert len(bodies) > 200
    readable = sum(is_json(body) for body in bodies)
    assert 50 < readable < len(bodies) - 50


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
