"""What a provider says natively of how long its account is to be left alone."""

from __future__ import annotations

import asyncio

import pytest

from gateway.jobs import sweeper
from gateway.lookup import open_tasks, transit
from providers.simulator.faults import Fault
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.native.harness import Native
from tests.gateway.native.requests import DOMAIN
from tests.gateway.native.test_native_guards import ACCOUNT, FINDER, ask, fault, look_up, timed
from tests.gateway.native.test_native_money import start_search, swept
from tests.gateway.native.upstream import Upstream

__all__ = ["swept", "timed"]


async def test_who_can_serve_nobody_is_left_alone_as_long_as_it_says(timed: Native) -> None:
    fault(timed, FINDER, status=503, retry_after=30, times=1)
    reply = await ask(timed)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "30")
    reply = await ask(timed, ACCOUNT)
    problem_of(reply, 429, "rate_limited")
    assert 25 <= int(reply.headers["retry-after"]) <= 30
    assert (await look_up(timed))["reason"] == "rate_limited"
    assert timed.visits() == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_sign_in_has_its_account_left_alone(native: Native, status: int) -> None:
    fault(native, "*/oauth/*", of="snov", status=status, retry_after=30, times=1)
    assert (await native.ask("GET", "snov", "/v1/get-balance")).status_code == 502
    problem_of(await native.ask("GET", "snov", "/v1/get-balance"), 429, "rate_limited")


@pytest.mark.parametrize("status", [429, 503])
async def test_a_task_that_is_read_for_the_books_is_left_alone_too(
    swept: Native, status: int
) -> None:
    read = Fault(
        provider="snov", kind="status", path="*/result/*", status=status, retry_after=3000
    )
    swept.simulator.faults.put(read)
    await start_search(swept)

    async def paused() -> bool:
        return (await look_up(swept, "snov")).get("reason") == "rate_limited"

    await eventually(paused)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks that nobody reads are read for the books all the time, and not waited for."""
    monkeypatch.setattr(sweeper, "PERIOD", 0.05)
    for place in (transit, open_tasks):
        monkeypatch.setattr(place, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(open_tasks, "READ_SECONDS", 0.2)


async def test_a_task_whose_result_never_ends_is_not_read_for_ever(
    hasty: None, raw: Native, upstream: Upstream
) -> None:
    """Each of the looks for it would take a connection of the provider's, and keep it."""
    upstream.answer = begun("t")
    lead = {"lead": {"name": "Ada"}}
    assert (await raw.ask("POST", "sixtyfour", "/find-email-async", json=lead)).is_success
    begins, ends = [0], [0]

    async def drip(writer: asyncio.StreamWriter) -> None:
        begins[0] += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
        try:
            while not upstream.over.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            ends[0] += 1

    upstream.answer = drip

    async def looked_again() -> bool:
        return begins[0] > 1 and ends[0] > 0

    await eventually(looked_again)
    upstream.answer = begun("t")
    upstream.over.set()

    async def nobody_speaks() -> bool:
        return begins == ends

    await eventually(nobody_speaks)


def begun(task: str) -> bytes:
    body = b'{"task_id": "%b"}' % task.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def limited(*headers: str) -> bytes:
    lines = ["HTTP/1.1 429 No", "Retry-After: 3600", "Content-Length: 2", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n{}").encode()


async def verify(raw: Native) -> tuple[str, str]:
    """The attempt of a lookup."""
    body = {"email": f"ada.lovelace@{DOMAIN}", "routing": {"providers": ["hunter"]}}
    [attempt] = (await raw.gateway.post("/v1/emails/verify", body)).json()["attempts"]
    return attempt["outcome"], attempt["reason"]


@pytest.mark.parametrize("spelling", ["X-Rate-Limit-Remaining", "X-RateLimit-Remaining"])
async def test_what_is_used_up_for_one_domain_is_not_so_for_the_account(
    raw: Native, upstream: Upstream, spelling: str
) -> None:
    upstream.answer = limited(f"{spelling}: 0")
    for number in range(1, 3):
        assert await verify(raw) == ("failed", "rate_limited")
        assert len(upstream.heads) == number
    assert (await ask(raw, "/email-verifier")).content == b"{}"
    assert (await ask(raw, ACCOUNT)).content == b"{}"
    upstream.answer = limited(f"{spelling}: 7")
    assert await verify(raw) == ("failed", "rate_limited")
    assert await verify(raw) == ("skipped", "rate_limited")
    problem_of(await ask(raw, ACCOUNT), 429, "rate_limited")
    assert len(upstream.heads) == 5
