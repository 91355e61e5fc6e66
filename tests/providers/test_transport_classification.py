"""What each way a connection breaks means, and that no request is ever sent twice."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager

import httpx
import pytest

from providers.base import Account
from providers.model import Answer, Email, FindEmail
from providers.registry import create
from providers.transport import Transport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
PARTIAL = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"
Break = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def hang(writer: asyncio.StreamWriter) -> None:
    """The client gives up: the server's reader sees its connection close."""


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03 this is no HTTP \xff\r\n\r\n")


async def reset(writer: asyncio.StreamWriter) -> None:
    """With no time to linger a close sends RST in place of FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_in_body(writer: asyncio.StreamWriter) -> None:
    writer.write(PARTIAL)
    await writer.drain()
    await reset(writer)


async def cut_short(writer: asyncio.StreamWriter) -> None:
    writer.write(PARTIAL)
    writer.close()


BREAKS: dict[str, tuple[Break, tuple[type[Exception], ...]]] = {
    "closed_after_request": (close, (httpx.RemoteProtocolError,)),
    "reset_after_request": (reset, (httpx.ReadError,)),
    "hang": (hang, (httpx.ReadTimeout,)),
    "garbage": (garbage, (httpx.RemoteProtocolError,)),
    "reset_in_body": (reset_in_body, (httpx.ReadError, httpx.RemoteProtocolError)),
    "cut_short": (cut_short, (httpx.RemoteProtocolError,)),
}


class Server:
    """Answers `/fine`, breaks on `/broken`; keeps every request it has read."""

    def __init__(self, break_off: Break):
        self.break_off = break_off
        self.seen: list[str] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.broken = asyncio.Event()
        self.base_url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        while line := await self.read_request(reader):
            self.seen.append(line)
            if line.endswith("/broken"):
                self.broken.set()
            if line.endswith("/fine"):
                writer.write(OK)
            else:
                await self.break_off(writer)
        writer.close()

    async def read_request(self, reader: asyncio.StreamReader) -> str:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        except (asyncio.IncompleteReadError, ConnectionError):
            return ""
        for header in head.split("\r\n"):
            if header.startswith("content-length:"):
                await reader.readexactly(int(header.split(":")[1]))
        method, path, _version = head.split("\r\n")[0].split(" ")
        return f"{method.upper()} {path}"


async def until_noticed() -> None:
    """Lets the loop deliver what the other end has closed."""
    for _ in range(20):
        await asyncio.sleep(0)


def port_of(listener: asyncio.Server) -> int:
    port: int = listener.sockets[0].getsockname()[1]
    return port


@asynccontextmanager
async def serving(break_off: Break) -> AsyncIterator[Server]:
    server = Server(break_off)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.base_url = f"http://127.0.0.1:{port_of(listener)}"
    try:
        yield server
    finally:
        listener.close()
        for writer in server.writers:
            writer.close()
        await until_noticed()


@asynccontextmanager
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    try:
        yield made
    finally:
        await made.aclose()


async def ask(made: Transport, method: str, url: str, seconds: float = 5.0) -> httpx.Response:
    content = b'{"secret": 1}' if method == "POST" else None
    clocks = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    request = httpx.Request(method, url, content=content, extensions={"timeout": clocks})
    response = await made.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize("name", BREAKS)
async def test_a_break_after_the_request_is_uncertain_and_sent_once(
    name: str, reused: bool, method: str
) -> None:
    break_off, expected = BREAKS[name]
    async with serving(break_off) as server, transport() as made:
        if reused:
            await ask(made, "GET", server.base_url + "/fine")
        with pytest.raises(expected) as caught:
            await ask(made, method, server.base_url + "/broken", 0.2 if name == "hang" else 5.0)
        await until_noticed()
        assert server.seen.count(f"{method} /broken") == 1
        assert server.connections == 1
        assert "127.0.0.1" not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_the_gate_sees_an_engine_that_sends_again() -> None:
    """The mutant: aiohttp as it comes buys a lookup twice."""
    async with serving(close) as server, transport() as made:
        await ask(made, "GET", server.base_url + "/fine")
        made._engine()._retry_connection = True
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(made, "GET", server.base_url + "/broken")
        assert server.seen.count("GET /broken") == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
async def test_refused_is_known_to_precede_the_request(method: str, reused: bool) -> None:
    async with transport() as made:
        if reused:
            async with serving(close) as server:
                url = server.base_url
                await ask(made, "GET", url + "/fine")
            await until_noticed()
            await refused(made, method, url)
        else:
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                await refused(made, method, f"http://127.0.0.1:{taken.getsockname()[1]}")


async def refused(made: Transport, method: str, url: str) -> None:
    with pytest.raises(httpx.ConnectError) as caught:
        await ask(made, method, url + "/broken")
    assert "127.0.0.1" not in repr(caught.value)


async def test_an_unknown_name_is_known_to_precede_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def unknown(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    async with transport() as made:
        with pytest.raises(httpx.ConnectError):
            await ask(made, "GET", "http://nowhere.invalid/x")


async def test_no_tls_is_known_to_precede_the_request() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listener, transport() as made:
        with pytest.raises(httpx.ConnectError):
            await ask(made, "GET", f"https://127.0.0.1:{port_of(listener)}/x")
        await until_noticed()


async def test_no_place_in_the_pool_in_time_is_known_to_precede_the_request() -> None:
    async with serving(hang) as server, transport() as made:
        connector = made._engine().connector
        assert connector is not None
        connector._limit_per_host = 1
        first = asyncio.create_task(ask(made, "GET", server.base_url + "/broken"))
        await server.broken.wait()
        with pytest.raises(httpx.ConnectTimeout):
            await ask(made, "GET", server.base_url + "/second", 0.05)
        first.cancel()
        await asyncio.wait([first])
        assert server.seen == ["GET /broken"]


async def test_no_connection_in_time_is_known_to_precede_the_request() -> None:
    """A listener whose backlog is full neither takes nor refuses."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        async with transport() as made:
            with pytest.raises(httpx.ConnectTimeout):
                await ask(made, "GET", f"http://127.0.0.1:{listener.getsockname()[1]}/x", 0.1)


async def test_a_cancelled_call_never_returns_its_connection() -> None:
    async with serving(hang) as server, transport() as made:
        await ask(made, "GET", server.base_url + "/fine")
        task = asyncio.create_task(ask(made, "GET", server.base_url + "/broken"))
        await server.broken.wait()
        task.cancel()
        await asyncio.wait([task])
        await ask(made, "GET", server.base_url + "/fine")
        assert server.connections == 2


async def test_connections_are_reused_for_whole_replies() -> None:
    async with serving(close) as server, transport() as made:
        for _ in range(3):
            await ask(made, "GET", server.base_url + "/fine")
        assert server.connections == 1


async def test_replies_come_as_they_are() -> None:
    """No redirects, no cookies, no proxy, and the body decoded only by who reads it."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            except asyncio.IncompleteReadError:
                break
            writer.write(
                b"HTTP/1.1 302 Found\r\nlocation: /other\r\nset-cookie: a=b\r\n"
                b"content-length: 0\r\n\r\n"
            )
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener, transport() as made:
        url = f"http://127.0.0.1:{port_of(listener)}/a%2Fb?c=d%2Be"
        for _ in range(2):
            assert (await ask(made, "GET", url)).status_code == 302
    assert [head.split("\r\n")[0] for head in heads] == ["GET /a%2Fb?c=d%2Be HTTP/1.1"] * 2
    assert "cookie" not in heads[1].lower()
    assert "accept-encoding: gzip, deflate\r\n" in heads[1].lower()
    assert "user-agent: prospecting-gateway\r\n" in heads[1].lower()


async def test_a_compressed_reply_is_read_by_the_adapter() -> None:
    reply = gzip.compress(b'{"data": {"email": "ada@engine.example"}}')

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n")
        writer.write(reply)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener, transport() as made:
        account = Account(f"http://127.0.0.1:{port_of(listener)}", {"api_key": "k"})
        query = FindEmail(full_name="Ada Lovelace", domain="engine.example")
        answer = await create("hunter", account, made).ask(query, seconds=5)
    assert isinstance(answer, Answer)
    assert isinstance(answer.data, Email)
    assert answer.data.email == "ada@engine.example"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not used: were it, every test here would fail."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
