"""What the provider gets and what the caller gets back: the same bytes, and no key of either."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.gateway.api.replies import send_bytes
from tests.gateway.conftest import ADMIN_KEY
from tests.gateway.native.harness import Native
from tests.gateway.native.upstream import Upstream

KEY = f"Authorization: Bearer {ADMIN_KEY}\r\nHost: x\r\nConnection: close\r\n".encode()


async def send(native: Native, line: bytes, more: bytes = b"", body: bytes = b"") -> bytes:
    size = f"Content-Length: {len(body)}\r\n".encode() if body else b""
    request = line + b" HTTP/1.1\r\n" + KEY + more + size + b"\r\n" + body
    status, _, answered = await send_bytes(native.gateway.url, request)
    assert status == 200, answered
    return answered


TARGETS = [
    b"/email-finder?a=b+c&d=%41%2f%zz&emails[]=x+y@z.example&&=&empty=&q='\"<>^`{|}",
    b"/leads/12/",
    b"/leads?%65mail=a%40b&x=%F0%9F%98%80",
    b"/logos/blue-harbor.example",
    b"/a%20b/c:d@e,f$g&h=i+j*k(l)m!n~o",
]


async def test_path_and_query_arrive_as_they_were_sent(raw: Native, upstream: Upstream) -> None:
    for target in TARGETS:
        await send(raw, b"GET /native/hunter" + target)
        assert upstream.line == b"GET /base/v2" + target + b" HTTP/1.1"


async def test_a_body_arrives_as_it_was_sent_with_any_method(
    raw: Native, upstream: Upstream
) -> None:
    body = b'{ "b" :1,"a":"\\u00e9\xc3\xa9",\t"a":2 }\n'
    for method in (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"):
        line = method + b" /native/hunter/x"
        await send(raw, line, b"Content-Type: text/odd\r\n", body)
        assert upstream.line.startswith(method)
        assert upstream.bodies.pop() == body
        assert upstream.header(b"content-type") == b"text/odd"


async def test_a_chunked_body_arrives_whole(raw: Native, upstream: Upstream) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a=1", b"&b=2" * 1000, b"&c=3"):
            yield part

    reply = await raw.ask("POST", "hunter", "/x", content=parts())
    assert reply.status_code == 200
    assert upstream.bodies == [b"a=1" + b"&b=2" * 1000 + b"&c=3"]
    assert upstream.header(b"transfer-encoding") is None


async def test_headers_pass_but_for_those_of_the_connection(
    raw: Native, upstream: Upstream
) -> None:
    more = (
        b"Accept: application/json\r\nX-Custom: a, b\r\nX-Custom: c\r\nIdempotency-Key: k-1\r\n"
        b"User-Agent: their-client/1\r\nX-Hop: no\r\nConnection: X-Hop\r\nTE: trailers\r\n"
        b"Cookie: session=1\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil.example\r\n"
        b"Forwarded: host=evil.example\r\nVia: 1.1 x\r\nProxy-Authorization: Basic x\r\n"
        b"Accept-Encoding: br, gzip;q=0.5, zstd\r\nX-Gateway-Credential: env-hunter\r\n"
    )
    await send(raw, b"GET /native/hunter/account", more)
    assert dict(upstream.headers) == {
        b"host": upstream.url.split("/")[2].encode(),
        b"accept": b"application/json",
        b"x-custom": b"c",
        b"idempotency-key": b"k-1",
        b"user-agent": b"their-client/1",
        b"accept-encoding": b"gzip;q=0.5",
        b"x-api-key": b"sim-hunter-key",
    }
    assert [value for name, value in upstream.headers if name == b"x-custom"] == [b"a, b", b"c"]


async def test_the_account_is_no_field_of_the_provider(raw: Native, upstream: Upstream) -> None:
    await send(raw, b"GET /native/hunter/x?a=1&credential=env-hunter&b=2")
    assert upstream.line == b"GET /base/v2/x?a=1&b=2 HTTP/1.1"


PLACES = {
    "hunter": [b"X-API-KEY: %s", b"x-api-key: %s", b"Authorization: Bearer %s", b"?api_key=%s"],
    "sixtyfour": [b"x-api-key: %s", b"Authorization: Bearer %s"],
    "letrics": [b"Authorization: Bearer %s", b"X-API-Key: %s"],
}


async def test_a_key_is_taken_where_the_providers_clients_put_it_and_goes_no_further(
    raw: Native, upstream: Upstream
) -> None:
    for provider, place in ((name, place) for name, all_ in PLACES.items() for place in all_):
        filled = place % ADMIN_KEY.encode()
        query = filled.replace(b"?", b"?a=1&") + b"&b=2" if filled.startswith(b"?") else b""
        head = b"" if query else filled + b"\r\n"
        request = b"GET /native/" + provider.encode() + b"/x" + query
        request += b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head + b"\r\n"
        status, _, _ = await send_bytes(raw.gateway.url, request)
        assert status == 200, place
        assert upstream.line == b"GET /base/v2/x" + (b"?a=1&b=2" if query else b"") + b" HTTP/1.1"
        secret = {"hunter": b"sim-hunter-key", "sixtyfour": b"sim-sixtyfour-key"}.get(provider)
        assert upstream.header(b"x-api-key") == secret
        token = b"Bearer sim-letrics-token" if provider == "letrics" else None
        assert upstream.header(b"authorization") == token
    assert ADMIN_KEY.encode() not in b"".join(upstream.heads + upstream.bodies)


async def test_a_key_in_every_place_at_once_reaches_nobody(
    raw: Native, upstream: Upstream
) -> None:
    headers = {"x-api-key": "their-own-hunter-key"}
    query = {"api_key": "their-own-hunter-key", "a": "1"}
    assert (await raw.ask("GET", "hunter", "/x", headers=headers, params=query)).status_code == 200
    assert b"their-own" not in b"".join(upstream.heads)
    assert upstream.header(b"x-api-key") == b"sim-hunter-key"


GRANTED = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n"
    b'{"access_token": "a-token-of-snovs","expires_in": 3600}'
)
MULTIPART = "multipart/form-data; boundary=B"
# The body as a client sends it, %s the token; and as the provider gets it.
SNOV_BODIES = [
    ("application/x-www-form-urlencoded", b"a=%%41&access_token=%s&b=+x", b"a=%41&b=+x"),
    ("application/x-www-form-urlencoded", b"access%%5Ftoken=%s&b=1", b"b=1"),
    ("application/json", b'{ "a" :1,\t"access_token" : "%s", "a": 2}', b'{ "a" :1, "a": 2}'),
    ("application/json", b'{"access_token":"%s"}\n', b"{}\n"),
    ("application/json", b'{"acc\\u0065ss_token":"%s","z":"\xc3\xa9"}', b'{"z":"\xc3\xa9"}'),
    ("", b"access_token=%s", b""),
    (
        MULTIPART,
        b'--B\r\nContent-Disposition: form-data; name="access_token"\r\n\r\n%s\r\n'
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n',
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n',
    ),
]


async def test_snovs_token_leaves_a_body_that_is_the_same_otherwise(
    raw: Native, upstream: Upstream
) -> None:
    upstream.answer = GRANTED
    for media, sent, arrives in SNOV_BODIES:
        headers = {"content-type": media} if media else {}
        reply = await raw.client.post(
            "/native/snov/v1/x", content=sent % ADMIN_KEY.encode(), headers=headers
        )
        assert reply.status_code == 200, (media, sent)
        assert upstream.bodies[-1] == arrives
        assert upstream.header(b"authorization") == b"Bearer a-token-of-snovs"
    assert ADMIN_KEY.encode() not in b"".join(upstream.heads + upstream.bodies)


ODD_PLACES: list[tuple[str, dict[str, Any]]] = [
    ("/x", {"params": {"q": ADMIN_KEY}}),
    ("/x", {"params": {"q": quote(quote(ADMIN_KEY, safe=""), safe="")}}),
    ("/x", {"params": {ADMIN_KEY: "x"}}),
    (f"/{ADMIN_KEY}", {}),
    ("/x", {"json": {"a": [{"b": f"x {ADMIN_KEY} y"}]}}),
    ("/x", {"json": {ADMIN_KEY: 1}}),
    ("/x", {"data": {"api_key": ADMIN_KEY}}),
    ("/x", {"content": b"\x00" + ADMIN_KEY.encode()}),
    ("/x", {"files": {"f": ADMIN_KEY.encode()}}),
    ("/x", {"headers": {"x-note": ADMIN_KEY}}),
    ("/x", {"params": {"access_token": "pgt_0123456789ab_1795740454_" + "0" * 40}}),
    ("/x", {"json": {"k": "pgw_0123456789ab_" + "A" * 38}}),
]


async def test_a_key_in_any_other_place_is_refused(raw: Native, upstream: Upstream) -> None:
    for path, rest in ODD_PLACES:
        reply = await raw.ask("POST", "hunter", path, **rest)
        assert (reply.status_code, upstream.heads) == (400, []), (path, rest)
        assert ADMIN_KEY not in reply.text


async def test_a_reply_comes_back_as_it_was_said(raw: Native, upstream: Upstream) -> None:
    body = gzip.compress(b'{"data": {"email": null}}')
    upstream.answer = (
        b"HTTP/1.1 222 Odd\r\nContent-Encoding: gzip\r\nX-Odd: 1\r\nX-Odd: 2\r\nVia: 1.0 them\r\n"
        b"X-Request-Id: theirs\r\nSet-Cookie: session=secret\r\nKeep-Alive: timeout=5\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    request = b"GET /native/hunter/email-finder HTTP/1.1\r\n" + KEY + b"\r\n"
    status, headers, said = await send_bytes(raw.gateway.url, request)
    assert (status, said) == (222, body)
    assert headers["content-encoding"] == "gzip"
    assert (headers["via"], headers["x-request-id"]) == ("1.0 them", "theirs")
    assert headers["x-gateway-request-id"].startswith("req_")
    assert "set-cookie" not in headers
    assert "keep-alive" not in headers


async def test_every_status_comes_back(raw: Native, upstream: Upstream) -> None:
    for status in (204, 304, 301, 404, 500, 503, 429):
        body = b"" if status in (204, 304) else b"<html>%d</html>" % status
        size = b"Content-Length: %d\r\n" % len(body) if body else b""
        head = b"HTTP/1.1 %d X\r\nLocation: https://elsewhere.example/\r\n" % status
        upstream.answer = head + size + b"\r\n" + body
        reply = await raw.ask("GET", "hunter", "/account")
        assert (reply.status_code, reply.content) == (status, body)
        assert "x-gateway-refused" not in reply.headers
    assert len(upstream.heads) == 7, "no redirect is followed"


async def test_the_providers_secret_is_covered_if_it_comes_back(
    raw: Native, upstream: Upstream
) -> None:
    """In a header and in a body, cut into chunks wherever it may be."""
    secret = b"sim-hunter-key"
    told = b'{"echo":"' + secret + b'","sim-hunter-":"' + secret + b'"}'

    async def echo(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Echo: " + secret + b"\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(told))
        for byte in told:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    upstream.answer = echo
    reply = await raw.ask("GET", "hunter", "/account")
    assert reply.headers["x-echo"] == "*" * len(secret)
    assert reply.content == told.replace(secret, b"*" * len(secret))


async def test_chunks_pass_as_they_come(raw: Native, upstream: Upstream) -> None:
    """The first is with the caller before the second is said."""
    heard = asyncio.Event()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await heard.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        await writer.drain()

    upstream.answer = slowly
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    async with (
        asyncio.timeout(20),
        raw.client.stream("GET", "/native/hunter/account", headers=headers) as reply,
    ):
        chunks = reply.aiter_raw()
        assert await anext(chunks) == b"first"
        heard.set()
        assert await anext(chunks) == b"second"


async def test_a_large_reply_passes_without_being_held(raw: Native, upstream: Upstream) -> None:
    """Of 64 MiB the provider may say only as much as sockets hold until the caller reads."""
    said, block, blocks = 0, b"x" * 65_536, 1024

    async def endlessly(writer: asyncio.StreamWriter) -> None:
        nonlocal said
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(block) * blocks)
        writer.write(head)
        for _ in range(blocks):
            writer.write(block)
            await writer.drain()
            said += len(block)

    upstream.answer = endlessly
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    async with raw.client.stream("GET", "/native/hunter/account", headers=headers) as reply:
        before = -1
        while before != said:
            before = said
            await asyncio.sleep(0.2)
        assert said < 32 * 1024 * 1024
        size = 0
        async for chunk in reply.aiter_raw():
            size += len(chunk)
    assert size == len(block) * blocks


async def test_a_reply_that_breaks_off_breaks_off_for_the_caller(
    raw: Native, upstream: Upstream
) -> None:
    upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"

    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    upstream.answer = half
    with pytest.raises(httpx.RemoteProtocolError):
        await raw.ask("GET", "hunter", "/email-finder")
    [entry] = await raw.entries()
    assert (entry["state"], entry["reason"]) == ("in_doubt", "unavailable")
