"""However a relayed request ends, its place among the connections to the host is free again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from providers.base import Account, Adapter
from providers.errors import AuthenticationFailed, TimedOut
from providers.registry import create
from providers.relay import Outgoing, Relayed, relay
from providers.transport import Transport

PLACES, CALLERS = 4, 12
ASKED = Outgoing("GET", b"/paid")
TOKEN = b'{"access_token": "a-token-of-snov", "expires_in": 3600}'
HEAD = b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class Host:
    """Grants `grants` tokens and takes none; `/crowd` answers once all places are taken."""

    def __init__(self) -> None:
        self.url = ""
        self.grants = 1
        self.crowd = 0
        self.full = asyncio.Event()
        self.silent = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        status, body = await self.answer(line)
        writer.write(HEAD % (status, len(body)) + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def answer(self, line: bytes) -> tuple[int, bytes]:
        if b"/crowd" in line:
            self.crowd += 1
            if self.crowd == PLACES:
                self.full.set()
            await self.full.wait()
            return 200, b"{}"
        if b"oauth" not in line:
            return 401, b"no such token"
        self.grants -= 1
        if self.grants < 0:
            await self.silent.wait()
        return (401, b"{}") if self.grants < 0 else (200, TOKEN)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    made = Host()
    made.silent.set()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    made.silent.set()
    made.full.set()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(per_host=PLACES)
    yield made
    await made.aclose()


@pytest.fixture
def snov(host: Host, transport: Transport) -> Adapter:
    secret = {"client_id": "id", "client_secret": "secret"}
    return create("snov", Account(host.url, secret), transport)


async def assert_all_places_are_free(host: Host, transport: Transport) -> None:
    """As many as there are places are answered only together."""
    hunter = create("hunter", Account(host.url, {"api_key": "a-key-of-hunter"}), transport)
    crowd = (relay(hunter, Outgoing("GET", b"/crowd"), seconds=5) for _ in range(PLACES))
    for reply in await asyncio.gather(*crowd):
        assert reply.status == 200
        await reply.aclose()


async def test_who_shares_a_refused_sign_in_holds_no_connection(
    host: Host, transport: Transport, snov: Adapter
) -> None:
    async with asyncio.timeout(20):
        calls = (relay(snov, ASKED, seconds=15) for _ in range(CALLERS))
        found = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(one) for one in found} == {AuthenticationFailed}
    await assert_all_places_are_free(host, transport)


async def test_who_runs_out_of_time_while_signing_in_again_holds_none(
    host: Host, transport: Transport, snov: Adapter
) -> None:
    host.silent.clear()
    calls = (relay(snov, ASKED, seconds=0.5) for _ in range(PLACES))
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(one) for one in found} == {TimedOut}
    await assert_all_places_are_free(host, transport)


async def test_a_reply_that_cannot_be_handed_over_holds_none(
    host: Host, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    hunter = create("hunter", Account(host.url, {"api_key": "a-key-of-hunter"}), transport)

    def trip(*_: object) -> None:
        raise OverflowError

    with monkeypatch.context() as patched:
        patched.setattr(Relayed, "__init__", trip)
        for _ in range(PLACES):
            with pytest.raises(OverflowError):
                await relay(hunter, ASKED, seconds=5)
    await assert_all_places_are_free(host, transport)


async def test_the_last_401_is_handed_over(host: Host, snov: Adapter) -> None:
    host.grants = 2
    reply: Relayed = await relay(snov, ASKED, seconds=5)
    body = b"".join([chunk async for chunk in reply.chunks(5)])
    await reply.aclose()
    assert (reply.status, body) == (401, b"no such token")
