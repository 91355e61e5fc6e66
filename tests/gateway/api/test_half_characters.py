"""Half a character, in whatever place: refused or taken for none, and never a fault of ours."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.api.native import contents
from gateway.vault import authentication
from tests.gateway.api.replies import problem_of, send_bytes
from tests.gateway.conftest import ADMIN_KEY, Gateway

HALF = "\ud800"
# As a naive encoder writes it, and a byte that begins nothing.
BYTES = (b"\xed\xa0\x80", b"\xff")
NAME = {"name": "A", "team_id": "default", "scopes": ["lookup"]}
ACCOUNT = {"provider": "hunter", "name": "spare", "secret": {"api_key": "a-key-of-hunter"}}
RECIPIENTS = "/v1/providers/hunter/campaigns/3/recipients"
BODIES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/emails/find", {
        "full_name": "Ada Lovelace", "domain": "blue-harbor.example", "tag": "t",
        "company": "Blue Harbor", "linkedin_url": "https://www.linkedin.com/in/ada",
        "hints": {"job_title": "x", "phone": "+1", "location": "x"},
        "routing": {"providers": ["hunter"], "order": "listed", "max_cost": "1"},
    }),
    ("POST", "/v1/emails/verify", {"email": "ada.lovelace@blue-harbor.example"}),
    ("POST", "/v1/companies/enrich", {"company": "Blue Harbor"}),
    ("POST", "/v1/domains/search", {"domain": "blue-harbor.example", "cursor": "x",
                                    "job_titles": ["x"], "departments": ["it"]}),
    ("POST", "/v1/contacts/search", {"locations": [{"city": "x", "state": "y", "country": "DE"}],
                                     "industries": ["x"], "added_after": "2026-01-01"}),
    ("POST", "/v1/quote", {"operation": "emails.verify", "input": {"email": "a@b.example"}}),
    ("POST", "/v1/outcomes", {"email": "a@b.example", "outcome": "bounced",
                              "at": "2026-01-01T00:00:00Z"}),
    ("POST", "/v1/jobs", {"operation": "emails.verify", "items": [{"email": "a@b.example"}],
                          "metadata": {"a": "b"}, "webhook": {"url": "https://x.example/"}}),
    ("POST", "/v1/webhook-endpoints", {"url": "https://x.example/", "events": ["job.completed"]}),
    ("POST", "/v1/admin/teams", {"name": "A", "budget": {"amount": "1", "period": "day"}}),
    ("POST", "/v1/admin/keys", NAME),
    ("POST", "/v1/admin/credentials", {**ACCOUNT, "prices": {"emails.find": "1"}}),
    ("PUT", "/v1/admin/routes/emails.find", {"providers": ["hunter"]}),
    ("POST", "/v1/admin/suppressions", {"email": "a@c.example", "reason": "x"}),
    ("POST", "/v1/admin/suppressions", {"linkedin_url": "linkedin.com/in/x", "reason": "x"}),
    ("POST", "/v1/admin/erasures", {"email": "a@d.example"}),
    ("POST", "/v1/providers/hunter/leads", {
        "email": "a@e.example", "first_name": "A", "company": "B", "notes": "x",
        "custom_fields": {"x": "y"},
    }),
    ("POST", "/v1/providers/hunter/lists", {"name": "A"}),
    ("POST", RECIPIENTS, {"emails": ["a@b.example"]}),
    ("POST", "/v1/providers/snov/do-not-email", {"items": ["a@f.example"], "list_id": "3001"}),
    ("POST", "/native/snov/v1/get-balance", {"access_token": "x"}),
    ("POST", "/native/snov/v1/oauth/access_token", {"client_secret": "x", "grant_type": "x"}),
]  # fmt: skip
NATIVE: list[tuple[str, str, Any]] = [
    ("POST", "/native/hunter/leads", {"first_name": "A", "last_name": "B", "company": "C"}),
    ("POST", "/native/hunter/x", {"email": "a@b.example", "linkedin": "x", "domain": "x.example"}),
    ("POST", "/native/snov/v2/domain-search/start", {"domain": "blue-harbor.example"}),
    ("GET", "/native/snov/v2/li-profiles-by-urls/result", {"task_hash": "x"}),
    ("POST", "/native/sixtyfour/find-email", {"lead": {"name": "Ada"}, "mode": "x"}),
]
PATHS = [
    "/v1/domains/%s/email-count", "/v1/jobs/%s", "/v1/jobs?cursor=%s", "/v1/explain/%s",
    "/v1/providers/%s", "/v1/providers/hunter/leads?email=%s", "/v1/providers/hunter/leads/%s",
    "/v1/providers/hunter/leads?credential=%s", "/v1/admin/ledger?team=%s", "/v1/admin/ledger?%s",
    "/v1/admin/ledger/summary?group_by=%s", "/v1/admin/suppressions?email=%s",
    "/v1/admin/teams/%s", "/v1/admin/audit?object_id=%s", "/hooks/hunter/%s", "/docs/%s",
    "/native/hunter/x?%s", "/native/hunter/x?api_key=%s", "/native/hunter/%s",
    "/native/hunter/x?credential=%s", "/%s",
]  # fmt: skip
HEADERS = ["X-API-Key", "Authorization", "Idempotency-Key", "Prefer", "X-Request-Id", "Accept",
           "X-Gateway-Credential", "Content-Type", "If-None-Match", "X-Custom"]  # fmt: skip


def broken(value: Any, put: Any) -> Iterator[Any]:
    """`value` with half a character at the end of each text and each name in turn."""
    if isinstance(value, str):
        yield put(value + HALF)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from broken(item, lambda new, at=at: put([*value[:at], new, *value[at + 1 :]]))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from broken(item, lambda new, name=name: put({**value, name: new}))
            yield put({**copy.deepcopy(value), name + HALF: item})


@pytest.mark.parametrize("method, path, body", BODIES + NATIVE)
async def test_no_member_of_a_body_makes_a_fault(
    gateway: Gateway, method: str, path: str, body: Any
) -> None:
    for sent in broken(body, lambda new: new):
        reply = await gateway.client.request(
            method, path, content=json.dumps(sent), headers={"content-type": "application/json"}
        )
        least = 200 if (method, path, body) in NATIVE else 400
        assert least <= reply.status_code < 500, (sent, reply.text)


async def test_no_key_of_half_a_character_is_one(gateway: Gateway) -> None:
    for path, name in (
        ("/v1/get-balance", "access_token"),
        ("/v1/oauth/access_token", "client_secret"),
    ):
        content = json.dumps({name: HALF})
        headers = {"authorization": "", "content-type": "application/json"}
        reply = await gateway.client.post(f"/native/snov{path}", content=content, headers=headers)
        problem_of(reply, 401, "unauthenticated")


async def test_no_place_in_a_target_makes_a_fault(gateway: Gateway) -> None:
    for path in PATHS:
        for half in (b"%ED%A0%80", b"%FF", *BYTES):
            status, _, body = await send_bytes(gateway.url, request(path.encode() % half))
            assert status < 500, (path, half, body)


async def test_no_header_makes_a_fault(gateway: Gateway) -> None:
    body = b'{"email": "ada.lovelace@blue-harbor.example"}'
    for name in HEADERS:
        for half in BYTES:
            for path in ("/v1/emails/verify", "/v1/jobs", "/native/snov/v1/x"):
                row = name.encode() + b": " + half + b"\r\n"
                status, _, said = await send_bytes(gateway.url, request(path.encode(), row, body))
                assert status < 500, (name, half, path, said)


def request(target: bytes, row: bytes = b"", body: bytes = b"") -> bytes:
    head = (b"POST " if body else b"GET ") + target + b" HTTP/1.1\r\nHost: x\r\n"
    head += b"Connection: close\r\nContent-Length: %d\r\n" % len(body)
    for name, value in (("X-API-Key", ADMIN_KEY), ("Content-Type", "application/json")):
        if name.encode() not in row:
            head += f"{name}: {value}\r\n".encode()
    return head + row + b"\r\n" + body


@pytest.mark.parametrize("kind", ["text/csv", "application/x-ndjson"])
async def test_no_table_makes_a_fault(gateway: Gateway, kind: str) -> None:
    for half in (*BYTES, b"\\ud800"):
        rows = {"text/csv": b"email\na@%s.example\n", "application/x-ndjson": b'{"email": "%s"}\n'}
        reply = await gateway.client.post(
            "/v1/jobs?operation=emails.verify",
            content=rows[kind] % half,
            headers={"content-type": kind},
        )
        assert 400 <= reply.status_code < 500, (half, reply.text)


def as_it_is(text: str) -> str:
    return text


async def test_half_a_character_that_is_kept_is_noticed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sent] = (row for row in NATIVE if "task_hash" in row[2])
    monkeypatch.setattr(contents, "_whole", as_it_is)
    with pytest.raises(AssertionError):
        await test_no_member_of_a_body_makes_a_fault(gateway, *sent)


async def test_a_key_that_is_no_text_is_noticed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "_whole", as_it_is)
    monkeypatch.setattr(authentication, "digest_of", lambda text: text.encode())
    with pytest.raises(AssertionError):
        await test_no_key_of_half_a_character_is_one(gateway)
