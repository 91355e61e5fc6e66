"""A request that is passed on is sent once, and what went wrong with it is told exactly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from providers.base import Account, Adapter
from providers.errors import AuthenticationFailed, TimedOut, Unavailable
from providers.registry import create
from providers.relay import Outgoing, Relayed, relay
from providers.simulator.serving import bind
from providers.transport import Transport
from tests.gateway.native.upstream import OK, Upstream, running_upstream

PAID = [Outgoing("GET", b"/paid?x=1"), Outgoing("POST", b"/paid", (), b"body")]
SECRET = {"client_id": "id", "client_secret": "secret"}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as running:
        yield running


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.aclose()


def hunter(url: str, transport: Transport) -> Adapter:
    return create("hunter", Account(url, {"api_key": "the-key-of-hunter"}), transport)


async def whole(reply: Relayed) -> bytes:
    body = b"".join([chunk async for chunk in reply.chunks(5)])
    await reply.aclose()
    return body


@pytest.mark.parametrize("outgoing", PAID)
@pytest.mark.parametrize("reused", [False, True])
async def test_a_connection_that_closes_behind_the_request_is_a_doubt_and_no_second_request(
    upstream: Upstream, transport: Transport, outgoing: Outgoing, reused: bool
) -> None:
    adapter = hunter(upstream.url, transport)
    if reused:
        assert await whole(await relay(adapter, outgoing, seconds=5)) == b"{}"
        upstream.heads.clear()

    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    upstream.answer = hang_up
    with pytest.raises(Unavailable) as raised:
        await relay(adapter, outgoing, seconds=5)
    assert raised.value.uncertain
    assert len(upstream.heads) == 1


async def test_nobody_listening_leaves_no_doubt(transport: Transport) -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable) as raised:
        await relay(hunter(f"http://127.0.0.1:{port}", transport), PAID[0], seconds=5)
    assert not raised.value.uncertain


async def test_silence_ends_in_time_and_is_a_doubt(
    upstream: Upstream, transport: Transport
) -> None:
    async def say_nothing(_writer: asyncio.StreamWriter) -> None:
        await upstream.over.wait()

    upstream.answer = say_nothing
    async with asyncio.timeout(5):
        with pytest.raises(TimedOut) as raised:
            await relay(hunter(upstream.url, transport), PAID[0], seconds=0.2)
    assert raised.value.uncertain
    assert "key" not in str(raised.value)


async def test_a_sign_in_that_is_refused_sends_nothing_else(
    upstream: Upstream, transport: Transport
) -> None:
    upstream.answer = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}"
    adapter = create("snov", Account(upstream.url, SECRET), transport)
    with pytest.raises(AuthenticationFailed) as raised:
        await relay(adapter, PAID[1], seconds=5)
    assert not raised.value.uncertain
    assert [head.split(b" ")[1] for head in upstream.heads] == [b"/base/v2/v1/oauth/access_token"]


async def test_a_token_that_is_refused_is_renewed_once(
    upstream: Upstream, transport: Transport
) -> None:
    granted = b'{"access_token": "a-token-of-snov", "expires_in": 3600}'
    said = iter([(200, granted), (401, b"{}"), (200, granted), (401, b"the last word")])

    async def answer(writer: asyncio.StreamWriter) -> None:
        status, body = next(said)
        head = b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % (status, len(body)) + body)
        await writer.drain()

    upstream.answer = answer
    adapter = create("snov", Account(upstream.url, SECRET), transport)
    reply = await relay(adapter, PAID[1], seconds=5)
    assert (reply.status, await whole(reply)) == (401, b"the last word")
    assert upstream.bodies[1::2] == [b"body", b"body"]
    assert reply.secrets == {b"id", b"secret", b"a-token-of-snov"}


async def test_a_reply_that_stalls_is_given_up(upstream: Upstream, transport: Transport) -> None:
    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(OK.replace(b"Length: 2", b"Length: 9"))
        await writer.drain()
        await upstream.over.wait()

    upstream.answer = stall
    reply = await relay(hunter(upstream.url, transport), PAID[0], seconds=5)
    with pytest.raises(TimedOut) as raised:
        assert [chunk async for chunk in reply.chunks(0.2)]
    assert raised.value.uncertain
    await reply.aclose()
