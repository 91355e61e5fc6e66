"""What the edge refuses before a lookup begins, and how it says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.settings import EdgeSettings
from gateway.vault.keys import make_key
from tests.gateway.api.replies import pointers, problem_of
from tests.gateway.conftest import Gateway, GatewayFactory

FIND = "/v1/emails/find"
VERIFY = "/v1/emails/verify"
JSON = {"content-type": "application/json"}
ADDRESS = b'{"email": "ada@blue-harbor.example"'

NOT_JSON = {
    "nothing but a brace": b"{",
    "trailing text": ADDRESS + b"} x",
    "two documents": b"{} {}",
    "not a number": b'{"email": NaN}',
    "infinity": b'{"email": -Infinity}',
    "single quotes": b"{'email': 'a@b.example'}",
    "latin-1": b'{"email": "\xff@b.example"}',
    "utf-16": '{"email": "a@b.example"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + ADDRESS + b"}",
    "a lone surrogate": b'{"email": "\\ud800@b.example"}',
    "does not fit and is broken later": b'{"email": 5, "tag": }',
    "too deep": b"[" * 33 + b"]" * 33,
    "too deep, never closed": b"[" * 100_000,
    "brackets before an endless string": b"[" * 33 + b'"' + b'\\"' * 100_000,
}


async def test_a_body_that_is_not_json_is_400(gateway: Gateway) -> None:
    for case, body in NOT_JSON.items():
        reply = await gateway.client.post(VERIFY, content=body, headers=JSON)
        assert reply.status_code == 400, (case, reply.text)
        problem_of(reply, 400, "malformed_request")
        assert reply.elapsed.total_seconds() < 5, case


MISFITS: list[tuple[str, Any, str]] = [
    (VERIFY, None, ""),
    (VERIFY, [], ""),
    (VERIFY, "text", ""),
    (VERIFY, {}, "/email"),
    (VERIFY, {"email": 5}, "/email"),
    (VERIFY, {"email": None}, "/email"),
    (VERIFY, {"email": "nobody"}, "/email"),
    (VERIFY, {"email": "a" * 321}, "/email"),
    (VERIFY, {"email": "a@b.example", "mail": 1}, "/mail"),
    (VERIFY, {"email": "a@b.example", "a/b~c": 1}, "/a~1b~0c"),
    (VERIFY, {"email": "a@b.example", "tag": "t" * 65}, "/tag"),
    (VERIFY, {"email": "a@b.example", "cursor": "x"}, "/cursor"),
    (VERIFY, {"email": "a@b.example", "routing": {"speed": 1}}, "/routing/speed"),
    (VERIFY, {"email": "a@b.example", "routing": {"order": "best"}}, "/routing/order"),
    (VERIFY, {"email": "a@b.example", "routing": {"providers": []}}, "/routing/providers"),
    (VERIFY, {"email": "a@b.example", "routing": {"providers": ["x"]}}, "/routing/providers/0"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_cost": 0.1}}, "/routing/max_cost"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_cost": "-1"}}, "/routing/max_cost"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_cost": "1e3"}}, "/routing/max_cost"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_age": -1}}, "/routing/max_age"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_age": 10**40}}, "/routing/max_age"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_age": "60"}}, "/routing/max_age"),
    (VERIFY, {"email": "a@b.example", "routing": {"max_age": 1.5}}, "/routing/max_age"),
    (VERIFY, {"email": "a@b.example", "routing": {"timeout": 0}}, "/routing/timeout"),
    (VERIFY, {"email": "a@b.example", "routing": {"timeout": True}}, "/routing/timeout"),
    (
        VERIFY,
        {"email": "a@b.example", "routing": {"accept": {"statuses": ["valid", "fine"]}}},
        "/routing/accept/statuses/1",
    ),
    (
        VERIFY,
        {"email": "a@b.example", "routing": {"accept": {"min_confidence": 101}}},
        "/routing/accept/min_confidence",
    ),
    (VERIFY, {"email": "a@b.example", "routing": {"accept": {"x": 1}}}, "/routing/accept/x"),
    (FIND, {"first_name": "Ada", "domain": "blue-harbor.example"}, ""),
    (FIND, {"full_name": "Ada Lovelace", "domain": "not a domain"}, "/domain"),
    (FIND, {"full_name": " ", "domain": "blue-harbor.example"}, "/full_name"),
    (FIND, {"full_name": "n" * 257, "domain": "blue-harbor.example"}, "/full_name"),
    (FIND, {"full_name": "A B", "company": "C", "hints": {"age": 3}}, "/hints/age"),
    (FIND, {"full_name": "A B", "company": "C", "kind": "private"}, "/kind"),
    (FIND, {"linkedin_url": "https://example.com/in/ada"}, "/linkedin_url"),
    ("/v1/people/enrich", {}, ""),
    ("/v1/companies/enrich", {}, ""),
    ("/v1/domains/search", {"domain": "blue-harbor.example", "limit": 0}, "/limit"),
    ("/v1/domains/search", {"domain": "blue-harbor.example", "limit": 101}, "/limit"),
    ("/v1/domains/search", {"domain": "blue-harbor.example", "limit": "5"}, "/limit"),
    ("/v1/contacts/search", {"job_titles": ["t"] * 101}, "/job_titles"),
    ("/v1/contacts/search", {"job_titles": ["t", ""]}, "/job_titles/1"),
    ("/v1/contacts/search", {"decision_maker": 1}, "/decision_maker"),
    ("/v1/contacts/search", {"locations": [{"planet": "Mars"}]}, "/locations/0/planet"),
    ("/v1/companies/search", {"decision_maker": True}, "/decision_maker"),
]


async def test_json_that_does_not_fit_is_422_with_its_pointer(gateway: Gateway) -> None:
    for path, body, pointer in MISFITS:
        reply = await gateway.client.post(path, json=body)
        assert reply.status_code == 422, (path, body, reply.text)
        assert reply.json()["code"] == "invalid_query", reply.text
        assert pointers(reply) == [pointer], (path, body)
    assert gateway.simulator is not None
    assert not gateway.simulator.bill.rows


@pytest.mark.parametrize(
    "body",
    [
        ADDRESS + b', "email": "eve@blue-harbor.example"}',
        ADDRESS + b', "\\u0065mail": "eve@blue-harbor.example"}',
        ADDRESS + b', "routing": {"max_cost": "0", "max_cost": null}}',
    ],
)
async def test_a_member_given_twice_is_refused(gateway: Gateway, body: bytes) -> None:
    reply = await gateway.client.post(VERIFY, content=body, headers=JSON)
    assert "twice" in problem_of(reply, 422, "invalid_query")["detail"]


async def test_brackets_within_strings_are_no_depth(gateway: Gateway) -> None:
    body = {"full_name": "Ada " + "[{" * 100, "domain": "blue-harbor.example"}
    reply = await gateway.client.post(FIND, json=body)
    assert reply.status_code == 200, reply.text


async def test_limits_of_size_and_depth_are_configured(start_gateway: GatewayFactory) -> None:
    edge = EdgeSettings(max_body_bytes=2048, max_json_depth=4)
    gateway = await start_gateway(edge=edge)
    reply = await gateway.client.post(VERIFY, content=b" " * 2049, headers=JSON)
    problem_of(reply, 413, "too_large")

    async def chunks() -> Any:
        for _ in range(300):
            yield b" " * 1024

    reply = await gateway.client.post(VERIFY, content=chunks(), headers=JSON)
    problem_of(reply, 413, "too_large")
    nested = {"email": "a@b.example", "routing": {"accept": {"statuses": [["valid"]]}}}
    reply = await gateway.client.post(VERIFY, json=nested)
    problem_of(reply, 400, "malformed_request")
    exactly = json.dumps({"email": "ada@blue-harbor.example"}).ljust(2048).encode()
    reply = await gateway.client.post(VERIFY, content=exactly, headers=JSON)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_of_another_kind_is_415(gateway: Gateway, headers: dict[str, str]) -> None:
    reply = await gateway.client.post(VERIFY, content=ADDRESS + b"}", headers=headers)
    problem_of(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/vnd.api+json"])
async def test_every_kind_of_json_is_taken(gateway: Gateway, kind: str) -> None:
    reply = await gateway.client.post(
        VERIFY, content=ADDRESS + b"}", headers={"content-type": kind}
    )
    assert reply.status_code == 200, reply.text


async def test_an_unauthenticated_caller_learns_nothing(gateway: Gateway) -> None:
    """Missing, malformed, unknown, expired and revoked are one answer but for its request id."""
    expired = await gateway.key(expires_at="2020-01-01T00:00:00Z")
    revoked = await gateway.key()
    name = revoked.split("_")[1]
    assert (await gateway.client.delete(f"/v1/admin/keys/{name}")).status_code == 204
    damaged = (await gateway.key())[:-1] + "!"
    bearers = ["nonsense", "pgw_", damaged, make_key().text, expired, revoked, "é" * 50]
    sent = [[(b"authorization", f"Bearer {key}".encode())] for key in bearers]
    sent += [[(b"x-api-key", key.encode())] for key in bearers]
    sent += [[(b"authorization", text)] for text in (b"Basic dXNlcjpwYXNz", b"Bearer")]
    bodies = set()
    async with gateway.caller("x") as client:
        client.headers.pop("authorization")
        for headers in [[], *sent]:
            request = client.build_request("GET", "/v1/providers", headers=headers)
            reply = await client.send(request)
            problem = problem_of(reply, 401, "unauthenticated")
            assert reply.headers["www-authenticate"] == "Bearer"
            problem.pop("request_id")
            bodies.add(json.dumps(problem, sort_keys=True))
    assert len(bodies) == 1


async def test_a_key_is_taken_from_either_header(gateway: Gateway) -> None:
    key = await gateway.key()
    async with gateway.caller(key) as client:
        client.headers.pop("authorization")
        for headers in (
            {"authorization": f"Bearer {key}"},
            {"authorization": f"bearer  {key}"},
            {"x-api-key": key},
            {"authorization": "Basic dXNlcjpwYXNz", "x-api-key": key},
        ):
            reply = await client.get("/v1/providers", headers=headers)
            assert reply.status_code == 200, headers


async def test_unknown_addresses_and_methods(gateway: Gateway) -> None:
    for path in ("/", "/v1", "/v2/emails/find", "/v1/emails/find/x", "/openapi-of-litestar",
                 "/openapi-of-litestar/openapi.json", "/v1/providers/nobody", "/docs/x.js",
                 "/v1/jobs/job_of_nobody", "/native", "/native/nobody/x", "/v1/you"):  # fmt: skip
        problem_of(await gateway.client.get(path), 404, "not_found")
    for method, path in (("GET", FIND), ("PUT", FIND), ("DELETE", "/v1/providers"),
                         ("TRACE", FIND), ("PROPFIND", FIND), ("POST", "/livez"),
                         ("PATCH", "/v1/admin/routes/emails.find")):  # fmt: skip
        reply = await gateway.client.request(method, path)
        problem_of(reply, 405, "method_not_allowed")
        assert reply.headers["allow"], (method, path)
