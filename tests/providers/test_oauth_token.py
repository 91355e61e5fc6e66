"""One sign-in for all callers: shared, renewed early and once on a 401."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from providers.base import Account, Adapter
from providers.errors import (
    AuthenticationFailed,
    MalformedResponse,
    ProviderError,
    RateLimited,
    TimedOut,
    Unavailable,
)
from providers.model import Answer, FindEmail, VerifyEmail
from providers.registry import create
from providers.signin import ClientCredentials, LocalToken, Token
from providers.transport import Transport

QUERY = FindEmail(first_name="Ada", last_name="Lovelace", domain="engine.example")
FOUND = {
    "success": True,
    "data": {"emails": [{"email": "ada@engine.example", "emailStatus": "valid"}]},
    "status": {"identifier": "complete"},
}


class Provider:
    """Grants numbered tokens and answers whoever brings the newest."""

    def __init__(self) -> None:
        self.granted = 0
        self.asked = 0
        self.expires_in: float = 3600
        self.refuses: httpx.Response | None = None
        self.revoked: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = asyncio.Event()

    async def serve(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth/access_token"):
            return await self.grant(request)
        self.asked += 1
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token in self.revoked or token != f"token-{self.granted}":
            return httpx.Response(401, json={"success": False, "message": "expired"})
        return httpx.Response(200, json=FOUND)

    async def grant(self, request: httpx.Request) -> httpx.Response:
        assert request.url.query == b""
        assert b"client_secret=s3cret" in request.content
        self.waiting.set()
        await self.open.wait()
        self.granted += 1
        if self.refuses is not None:
            return self.refuses
        body = {"access_token": f"token-{self.granted}", "expires_in": self.expires_in}
        return httpx.Response(200, json={**body, "token_type": "Bearer"})


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def adapter(provider: Provider) -> Adapter:
    account = Account("http://snov.example", {"client_id": "id", "client_secret": "s3cret"})
    return create("snov", account, httpx.MockTransport(provider.serve))


def sign_in(adapter: Adapter) -> ClientCredentials:
    assert isinstance(adapter.auth, ClientCredentials)
    return adapter.auth


async def peek(adapter: Adapter, seconds: float = 5.0) -> str:
    answer = await adapter.peek(QUERY, seconds=seconds)
    assert isinstance(answer, Answer)
    return str(answer.data)


async def expired(adapter: Adapter, provider: Provider) -> None:
    """The adapter holds a token that is about to expire."""
    await peek(adapter)
    holder = sign_in(adapter).holder
    await holder.put(Token("token-1", sign_in(adapter).now()))
    assert provider.granted == 1


async def test_64_callers_at_expiry_ask_for_one_token(
    adapter: Adapter, provider: Provider
) -> None:
    await expired(adapter, provider)
    answers = await asyncio.gather(*(peek(adapter) for _ in range(64)))
    assert len(answers) == 64
    assert (provider.granted, provider.asked) == (2, 65)


async def test_64_callers_with_a_revoked_token_ask_for_one_more(
    adapter: Adapter, provider: Provider
) -> None:
    await peek(adapter)
    provider.revoked.add("token-1")
    await asyncio.gather(*(peek(adapter) for _ in range(64)))
    assert provider.granted == 2


@pytest.mark.parametrize(
    "expires_in, passed, granted",
    [(3600, 3539, 1), (3600, 3541, 2), (10, 4, 1), (10, 6, 2)],
)
async def test_a_token_is_renewed_a_minute_early(
    adapter: Adapter, provider: Provider, expires_in: float, passed: float, granted: int
) -> None:
    """One that lives shorter than two minutes, at half its life."""
    auth = sign_in(adapter)
    provider.expires_in = expires_in
    auth.now = lambda: 1000.0
    await peek(adapter)
    auth.now = lambda: 1000.0 + passed
    await peek(adapter)
    assert provider.granted == granted


async def test_a_second_401_is_final(adapter: Adapter, provider: Provider) -> None:
    provider.revoked |= {f"token-{number}" for number in range(10)}
    with pytest.raises(AuthenticationFailed) as caught:
        await peek(adapter)
    assert (provider.granted, provider.asked) == (2, 2)
    assert not caught.value.uncertain


async def test_a_cancelled_caller_fails_no_other(adapter: Adapter, provider: Provider) -> None:
    provider.open.clear()
    first = asyncio.create_task(peek(adapter))
    await provider.waiting.wait()
    others = [asyncio.create_task(peek(adapter)) for _ in range(8)]
    await asyncio.sleep(0)
    first.cancel()
    provider.open.set()
    assert len(await asyncio.gather(*others)) == 8
    assert first.cancelled() or first.cancelling()
    assert provider.granted == 1


@pytest.mark.parametrize(
    "reply, kind",
    [
        (httpx.Response(400, json={"error": "invalid_client"}), AuthenticationFailed),
        (httpx.Response(401), AuthenticationFailed),
        (httpx.Response(403), AuthenticationFailed),
        (httpx.Response(429), RateLimited),
        (httpx.Response(503), Unavailable),
        (httpx.Response(200, text="<html>"), MalformedResponse),
        (httpx.Response(200, json={"token": "x"}), MalformedResponse),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value.status_code),
)
async def test_a_refused_sign_in_is_classified_and_leaves_no_doubt_about_a_charge(
    adapter: Adapter, provider: Provider, reply: httpx.Response, kind: type[ProviderError]
) -> None:
    provider.refuses = reply
    with pytest.raises(kind) as caught:
        await adapter.ask(QUERY, seconds=5)
    assert not caught.value.uncertain
    assert "s3cret" not in repr(caught.value)


async def test_callers_in_line_share_a_refusal(adapter: Adapter, provider: Provider) -> None:
    provider.refuses = httpx.Response(401)
    outcomes = await asyncio.gather(*(peek(adapter) for _ in range(64)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {AuthenticationFailed}
    assert provider.granted == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_callers_in_line_hear_how_long_to_wait(
    adapter: Adapter, provider: Provider, status: int
) -> None:
    provider.refuses = httpx.Response(status, headers={"retry-after": "40"})
    outcomes = await asyncio.gather(*(peek(adapter) for _ in range(64)), return_exceptions=True)
    told = {(one.status, one.retry_after) for one in outcomes if isinstance(one, ProviderError)}
    assert (told, len({id(one) for one in outcomes})) == ({(status, 40.0)}, 64)


async def test_a_sign_in_that_hangs_leaves_no_doubt_about_a_charge(
    adapter: Adapter, provider: Provider
) -> None:
    provider.open.clear()
    with pytest.raises(TimedOut) as caught:
        await adapter.ask(QUERY, seconds=0.05)
    assert not caught.value.uncertain


async def test_tokens_can_be_shared_between_adapters(provider: Provider) -> None:
    account = Account("http://snov.example", {"client_id": "id", "client_secret": "s3cret"})
    transport = httpx.MockTransport(provider.serve)
    several = [create("snov", account, transport) for _ in range(3)]
    shared = LocalToken()
    for one in several:
        sign_in(one).holder = shared
    await asyncio.gather(*(peek(one) for one in several))
    assert provider.granted == 1


@pytest.fixture
async def hanging() -> AsyncIterator[str]:
    """A server that reads and never answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "name, secret, uncertain",
    [
        ("snov", {"client_id": "id", "client_secret": "s3cret"}, False),
        ("hunter", {"api_key": "s3cret"}, True),
    ],
)
async def test_over_the_wire_only_a_sent_question_is_in_doubt(
    hanging: str, name: str, secret: dict[str, str], uncertain: bool
) -> None:
    transport = Transport()
    adapter = create(name, Account(hanging, secret), transport)
    with pytest.raises(TimedOut) as caught:
        await adapter.ask(VerifyEmail(email="ada@engine.example"), seconds=0.1)
    assert caught.value.uncertain is uncertain
    await transport.aclose()
    for _ in range(20):
        await asyncio.sleep(0)
