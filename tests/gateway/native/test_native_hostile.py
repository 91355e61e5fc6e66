"""Requests that try to reach another host, another path, or a second request behind the first."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway.api.replies import check_raw_problem, send_bytes
from tests.gateway.conftest import ADMIN_KEY
from tests.gateway.native.harness import Native
from tests.gateway.native.upstream import Upstream

KEY = f"X-API-Key: {ADMIN_KEY}\r\nConnection: close\r\n".encode()
HOST = b"Host: x\r\n"
SECOND = b"GET /native/hunter/second HTTP/1.1\r\nHost: x\r\n" + KEY + b"\r\n"

PATHS = [
    b"/..", b"/../", b"/../snov/v1/get-balance", b"/leads/../api-keys", b"/leads/..;/api-keys",
    b"/./account", b"/leads/.", b"//evil.example/account", b"/leads//1", b"/%2e%2e/account",
    b"/%2E%2E%2Faccount", b"/.%2e/account", b"/%2e./account", b"/%252e%252e/account",
    b"/%25252e%25252e/account", b"/..%2faccount", b"/..%5caccount", b"/..\\account",
    b"/%5c%5cevil.example", b"/%2f%2fevil.example", b"/leads%2f1", b"/leads%3fapi_key=x",
    b"/leads%23x", b"/leads;jsessionid=1", b"/leads%3b/../x", b"/leads%00", b"/leads%0d%0aX:%20b",
    b"/leads%0a", b"/leads%09", b"/%c0%ae%c0%ae/account", b"/%ff", b"/%e2%80%ae/x", b"/...",
    b"/%20/x", b"/%ef%bc%8e%ef%bc%8e/account", b"/%e2%80%a4%e2%80%a4/x", b"/leads/%", b"/leads/%4",
    b"/leads/%zz", b"/.%00./x", b"/ /x", b"/leads|x", b"/<x>", b"/%7f",
]  # fmt: skip
TARGETS = [
    b"http://evil.example/native/hunter/account",
    b"https://api.hunter.io/v2/native/hunter/account",
    b"http://x/native/hunter/account",
    b"//evil.example/native/hunter/account",
    b"/native/hunter/account#x",
    b"/%6eative/hunter/account",
    b"/native%2fhunter/account",
    b"/x/../native/hunter/account",
    b"/native/../native/hunter/account",
    b"/./native/hunter/account",
    b"/native/hunter\\account",
    b"/native/%68unter/account",
    b"evil.example:80",
]


def request(target: bytes, *rows: bytes, body: bytes = b"", method: bytes = b"GET") -> bytes:
    head = method + b" " + target + b" HTTP/1.1\r\n" + HOST + KEY
    return head + b"".join(row + b"\r\n" for row in rows) + b"\r\n" + body


def post(*rows: bytes, body: bytes = b"") -> bytes:
    return request(b"/native/hunter/first", *rows, body=body, method=b"POST")


async def test_no_path_leads_out_of_the_base_url(raw: Native, upstream: Upstream) -> None:
    for path in PATHS:
        answer = await send_bytes(raw.gateway.url, request(b"/native/hunter" + path))
        assert answer[0] in (400, 404), (path, answer)
        assert upstream.heads == [], path


async def test_no_target_leads_to_another_host(raw: Native, upstream: Upstream) -> None:
    for target in TARGETS:
        status, _, body = await send_bytes(raw.gateway.url, request(target))
        assert status in (400, 404), (target, body)
    assert upstream.heads == []


async def test_the_host_is_the_providers_whatever_is_sent(raw: Native, upstream: Upstream) -> None:
    sent = request(b"/native/hunter/account").replace(HOST, b"Host: evil.example\r\n")
    sent = sent.replace(KEY, KEY + b"X-Forwarded-Host: evil.example\r\nX-Host: evil.example\r\n")
    assert (await send_bytes(raw.gateway.url, sent))[0] == 200
    assert upstream.header(b"host") == upstream.url.split("/")[2].encode()
    assert b"evil" not in b"".join(upstream.heads)


CHUNKED = b"Transfer-Encoding: chunked"
HIDDEN = b"0\r\n\r\n" + SECOND
# What two servers may read as two different requests.
SMUGGLED: dict[str, bytes] = {
    "CL.TE": post(b"Content-Length: 5", CHUNKED, body=HIDDEN),
    "TE.CL": post(CHUNKED, b"Content-Length: 5", body=HIDDEN),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: 99", body=SECOND),
    "one length twice": post(b"Content-Length: 1", b"Content-Length: 1", body=b"x"),
    "a list of lengths": post(b"Content-Length: 1, 1", body=b"x"),
    "a length with a plus": post(b"Content-Length: +1", body=b"x"),
    "a length with a minus": post(b"Content-Length: -1", body=b"x"),
    "a length in hex": post(b"Content-Length: 0x1", body=b"x"),
    "no length": post(b"Content-Length:", body=b"x"),
    "a huge length": post(b"Content-Length: 99999999999999999999", body=b"x"),
    "unknown coding": post(b"Transfer-Encoding: xchunked", body=HIDDEN),
    "coding twice": post(CHUNKED, CHUNKED, body=HIDDEN),
    "coding not last": post(b"Transfer-Encoding: chunked, identity", body=HIDDEN),
    "coding not alone": post(b"Transfer-Encoding: gzip, chunked", body=HIDDEN),
    "identity": post(b"Transfer-Encoding: identity", body=HIDDEN),
    "coding in quotes": post(b'Transfer-Encoding: "chunked"', body=HIDDEN),
    "space before colon": post(b"Transfer-Encoding : chunked", body=HIDDEN),
    "vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=HIDDEN),
    "folded header": post(b"Transfer-Encoding:\r\n chunked", body=HIDDEN),
    "folded value": post(b"X-A: b\r\n Content-Length: 5", body=b"x"),
    "bare LF in head": post(b"X-A: b\nContent-Length: 5", body=b"x"),
    "bare LF ends": b"POST /native/hunter/first HTTP/1.1\n" + HOST + KEY + b"\n",
    "bare CR": post(b"X-A: b\rContent-Length: 5", body=b"x"),
    "NUL": post(b"X-A: b\x00c"),
    "name with space": post(b"X A: b"),
    "no name": post(b": b"),
    "no colon": post(b"just text"),
    "chunk size with sign": post(CHUNKED, body=b"+1\r\nx\r\n0\r\n\r\n"),
    "chunk size in 0x": post(CHUNKED, body=b"0x1\r\nx\r\n0\r\n\r\n"),
    "chunk size too large": post(CHUNKED, body=b"ffffffffffffffff1\r\nx\r\n0\r\n\r\n"),
    "chunk with bare LF": post(CHUNKED, body=b"1\nx\n0\n\n"),
    "chunk longer than said": post(CHUNKED, body=b"1\r\nxyz\r\n0\r\n\r\n"),
    "chunk extension with LF": post(CHUNKED, body=b'1;a="\n"\r\nx\r\n0\r\n\r\n'),
    "length behind the body": post(CHUNKED, body=b"0\r\nContent-Length: 9\r\n\r\n"),
    "two hosts": post(b"Host: evil.example"),
    "no host": post().replace(HOST, b""),
    "HTTP/1.0 with coding": post(CHUNKED, body=HIDDEN).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "HTTP/2.0": post().replace(b"HTTP/1.1", b"HTTP/2.0", 1),
    "HTTP/0.9": b"GET /native/hunter/first\r\n\r\n",
    "h2c": post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: x"),
    "websocket": post(b"Connection: Upgrade", b"Upgrade: websocket"),
    "underscored length": post(b"Content_Length: 5", body=b""),
    "underscored coding": post(b"Transfer_Encoding: chunked"),
    "underscored key": post(b"X_API_Key: other"),
    "method in a header": post(b"X-HTTP-Method-Override: DELETE"),
    "method in another": post(b"X-Method-Override: DELETE"),
    "line in the target": b"GET /native/hunter/a\r\nX-A: b HTTP/1.1\r\n" + HOST + KEY + b"\r\n",
    "space in the target": request(b"/native/hunter/a b"),
    "tab in the target": request(b"/native/hunter/a\tb"),
    "CONNECT": request(b"evil.example:80", method=b"CONNECT"),
    "a method of its own": request(b"/native/hunter/a", method=b"G\x01ET"),
}


async def test_no_request_hides_behind_another(raw: Native, upstream: Upstream) -> None:
    """Refused all of them, and nothing at all reaches the provider."""
    assert len(SMUGGLED) >= 30
    for name, sent in SMUGGLED.items():
        status, headers, body = await send_bytes(raw.gateway.url, sent)
        assert status == 400, (name, status, body)
        check_raw_problem((status, headers, body), 400, "malformed_request")
        assert upstream.heads == [], name


async def test_what_follows_a_whole_request_is_one_of_its_own(
    raw: Native, upstream: Upstream
) -> None:
    """It needs a key like every other."""
    behind = b"GET /native/hunter/second HTTP/1.1\r\nHost: x\r\n\r\n"
    kept = b"POST /native/hunter/first HTTP/1.1\r\n" + HOST + KEY.replace(b"close", b"keep-alive")
    reader, writer = await asyncio.open_connection(*raw.gateway.url[7:].split(":"))
    writer.write(kept + b"Content-Length: 3\r\n\r\n0\r\n" + behind)
    async with asyncio.timeout(20):
        said = await reader.readuntil(b"}")
        said += await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert said.count(b"HTTP/1.1 200 ") == 1
    assert said.count(b"HTTP/1.1 401 ") == 1
    assert [head.split(b" ")[1] for head in upstream.heads] == [b"/base/v2/first"]
    assert upstream.bodies == [b"0\r\n"]


async def test_what_comes_behind_a_body_is_no_header(raw: Native, upstream: Upstream) -> None:
    body = b"2\r\nab\r\n0\r\nX-Evil: 1\r\nX-API-Key: other\r\n\r\n"
    assert (await send_bytes(raw.gateway.url, post(CHUNKED, body=body)))[0] == 200
    assert upstream.bodies == [b"ab"]
    assert upstream.header(b"x-evil") is None
    assert upstream.header(b"x-api-key") == b"sim-hunter-key"
    keyless = post(CHUNKED, body=body).replace(KEY, b"Connection: close\r\n")
    keyless = keyless.replace(b"other", ADMIN_KEY.encode())
    assert (await send_bytes(raw.gateway.url, keyless))[0] == 401


@pytest.mark.parametrize("value", ["1", "2\r\nX-Evil: 1", "a\nb"])
async def test_a_query_is_a_query(raw: Native, upstream: Upstream, value: str) -> None:
    """Encoded line ends stay encoded."""
    await raw.ask("GET", "hunter", "/x", params={"q": value})
    assert upstream.header(b"x-evil") is None
    assert upstream.heads[-1].count(b"\r\n") == len(upstream.headers) + 2
