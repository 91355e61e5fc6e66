"""Requests that no client library would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.store.connection import Store
from tests.gateway.api.raw_server import raw_server
from tests.gateway.api.replies import check_raw_problem, send_bytes
from tests.gateway.conftest import ADMIN_KEY

KEY = f"Authorization: Bearer {ADMIN_KEY}\r\nHost: x\r\nConnection: close\r\n".encode()


@pytest.fixture
async def url(store: Store, store_url: str) -> AsyncIterator[str]:
    """A gateway without providers."""
    async with raw_server(store_url) as url:
        yield url


async def test_what_is_no_request_is_a_problem_all_the_same(url: str) -> None:
    for request in (
        b"hello\r\n\r\n",
        b"BREW /v1/emails/find HTTP/1.1\r\n" + KEY + b"\r\n",
        b"GET /v1/providers/\xff\xfe HTTP/1.1\r\n" + KEY + b"\r\n",
        b"GET /v1/" + b"a" * 300_000 + b" HTTP/1.1\r\n" + KEY + b"\r\n",
        b"GET /livez HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /v1/emails/find HTTP/1.1\r\nContent-Length: x\r\n" + KEY + b"\r\n",
    ):
        check_raw_problem(await send_bytes(url, request), 400, "malformed_request")


async def test_odd_paths_lead_nowhere(url: str) -> None:
    for path in (
        b"/v1/providers/%zz",
        b"/v1/providers/%ff%fe",
        b"/v1/providers/a%00b",
        b"/v1/providers/hunter%2f..",
        b"/docs/../v1/providers",
        b"/" + b"a" * 60_000,
        b"*",
    ):
        request = b"GET " + path + b" HTTP/1.1\r\n" + KEY + b"\r\n"
        check_raw_problem(await send_bytes(url, request), 404, "not_found")


async def test_an_odd_path_does_not_open_a_door(url: str) -> None:
    for path in (b"/docs/../v1/providers", b"/docs//v1/providers", b"/docs/%2e%2e/v1/providers",
                 b"//livez/../v1/providers", b"/docs/..%2fv1%2fproviders"):  # fmt: skip
        request = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        status, _, _ = await send_bytes(url, request)
        assert status in (401, 404), path


async def test_head_is_get_without_a_body(url: str) -> None:
    for path, status in ((b"/livez", 200), (b"/v1/providers", 200), (b"/v1/nothing", 404)):
        request = b"HEAD " + path + b" HTTP/1.1\r\n" + KEY + b"\r\n"
        found, headers, body = await send_bytes(url, request)
        assert (found, body) == (status, b"")
        assert int(headers["content-length"]) > 0


async def test_head_never_buys_an_answer(url: str) -> None:
    request = b"HEAD /v1/domains/blue-harbor.example/email-count HTTP/1.1\r\n" + KEY + b"\r\n"
    status, headers, body = await send_bytes(url, request)
    assert (status, body) == (405, b"")
    assert headers["content-type"] == "application/problem+json"


async def test_a_body_where_none_belongs_is_ignored(url: str) -> None:
    for method, path, status in ((b"GET", b"/v1/providers", 200),
                                 (b"DELETE", b"/v1/admin/teams/x", 404)):  # fmt: skip
        head = method + b" " + path + b" HTTP/1.1\r\n" + KEY
        found, _, _ = await send_bytes(url, head + b"Content-Length: 5\r\n\r\nhello")
        assert found == status


async def test_a_refused_body_does_not_spoil_the_connection(url: str) -> None:
    """401 and 413 are said before the body is read; the next request is served all the same."""
    async with httpx.AsyncClient(base_url=url) as client:
        for headers, status in (({}, 401), ({"x-api-key": ADMIN_KEY}, 413)):
            reply = await client.post("/v1/emails/find", content=b"x" * 3_000_000, headers=headers)
            assert reply.status_code == status
            assert (await client.get("/livez")).status_code == 200


async def test_expect_continue_is_answered(url: str) -> None:
    head = b"POST /v1/emails/find HTTP/1.1\r\n" + KEY + b"Content-Type: application/json\r\n"
    head += b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    status, _, rest = await send_bytes(url, head)
    assert status == 100
    assert rest.startswith(b"HTTP/1.1 422 ")


async def test_the_same_header_twice_is_the_last_one(url: str) -> None:
    request = b"GET /v1/providers HTTP/1.1\r\nAuthorization: Bearer no\r\n" + KEY + b"\r\n"
    assert (await send_bytes(url, request))[0] == 200


HIDDEN = b"GET /v1/providers HTTP/1.1\r\n" + KEY + b"\r\n"
# Where one reader of the bytes sees the end of the first request and another one does not.
TWO_FACED: dict[str, tuple[bytes, bytes]] = {
    "length and chunks": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 60\r\n", b"{}"),
    "a list of lengths": (b"Content-Length: 2, 60\r\n", b"{}"),
    "a signed length": (b"Content-Length: +2\r\n", b"{}"),
    "chunks by another name": (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "chunks that are not last": (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "a space before the colon": (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "a folded line": (b"X-A: b\r\n Transfer-Encoding: chunked\r\n", b""),
    "a chunk of no size": (b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": (b"Transfer-Encoding: chunked\r\n", b"-2\r\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("case", TWO_FACED)
async def test_no_request_hides_in_another(url: str, case: str) -> None:
    head, body = TWO_FACED[case]
    key = KEY.replace(b"Connection: close\r\n", b"Content-Type: application/json\r\n")
    request = b"POST /v1/emails/find HTTP/1.1\r\n" + key + head + b"\r\n" + body + HIDDEN
    status, _, rest = await send_bytes(url, request)
    assert status in (400, 411, 413, 415, 422, 501), rest
    assert b"HTTP/1.1 200" not in rest, "the second request was answered"


async def test_hosts_and_forwarding_that_callers_make_up_are_not_believed(url: str) -> None:
    lies = b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n"
    lies += b"Forwarded: host=evil.example;proto=https\r\nX-Forwarded-Prefix: /evil.example\r\n"
    lies += b"X-Original-URL: /evil.example\r\nX-Forwarded-For: 10.0.0.1\r\n"
    key = KEY.replace(b"Host: x", b"Host: evil.example") + lies
    for path in (
        b"/v1/me",
        b"/openapi.json",
        b"/v1/providers",
        b"/v1/nowhere",
        b"/docs",
        b"/docs/",
    ):
        _, head, rest = await send_bytes(url, b"GET " + path + b" HTTP/1.1\r\n" + key + b"\r\n")
        assert b"evil" not in rest, path
        assert "evil" not in str(head), path


async def test_a_request_that_follows_a_whole_one_is_answered(url: str) -> None:
    """Or the tests above would see nothing where something is hidden."""
    key = KEY.replace(b"Connection: close\r\n", b"Content-Type: application/json\r\n")
    head = b"POST /v1/emails/find HTTP/1.1\r\n" + key + b"Content-Length: 2\r\n\r\n{}"
    status, _, rest = await send_bytes(url, head + HIDDEN)
    assert status == 422
    assert b"HTTP/1.1 200" in rest


@pytest.mark.parametrize("endless", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
async def test_an_endless_head_is_not_read_to_its_end(url: str, endless: bytes) -> None:
    said = await send_endlessly(url, endless)
    assert not said or b"longer than 327680 bytes" in said


@pytest.mark.parametrize("behind", [b"0\r\n", b"0\r\nX-More: ", b"1;a="])
async def test_nothing_endless_comes_behind_a_body(url: str, behind: bytes) -> None:
    head = b"POST /v1/emails/find HTTP/1.1\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n" + KEY + b"\r\n1\r\n{\r\n"
    assert await send_endlessly(url, head + behind) == b""


async def send_endlessly(url: str, begin: bytes) -> bytes:
    """What is said to a line, or lines, of 64 MiB behind `begin`; nothing if it is hung up on."""
    more = (b"X-More: aaaaaaa\r\n" if begin.endswith(b"\n") else b"a" * 16) * 1024
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    reading, sent = asyncio.create_task(reader.read()), 0
    try:
        writer.write(begin)
        while not reading.done():
            assert sent < 64 * 2**20, "all of it was read"
            writer.write(more)
            sent += len(more)
            await writer.drain()
        return await reading
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()
        await asyncio.gather(reading, return_exceptions=True)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_chunks_are_for_those_who_know_them(url: str, version: bytes) -> None:
    head = b"GET /v1/admin/ledger HTTP/" + version + b"\r\nAccept: text/csv\r\n" + KEY + b"\r\n"
    status, headers, body = await send_bytes(url, head)
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/csv")
    assert ("transfer-encoding" in headers) == (version == b"1.1")
    assert body.startswith(b"id,") == (version == b"1.0")
    body = b"Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
    post = b"POST /v1/emails/find HTTP/" + version + b"\r\n" + body + KEY + b"\r\n{}"
    assert (await send_bytes(url, post))[0] == (422 if version == b"1.0" else 100)
    livez = await send_bytes(url, b"GET /livez HTTP/" + version + b"\r\n" + KEY + b"\r\n")
    assert (livez[0], livez[2]) == (200, b'{"status":"alive"}')
