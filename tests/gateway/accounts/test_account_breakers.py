"""An action with account objects that fails again and again is left alone; all else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.lookup import accounts
from gateway.lookup.settling import health_of
from gateway.money.terms import Health
from providers.errors import ProviderError
from tests.gateway.accounts.conftest import Desk
from tests.gateway.api.replies import problem_of

LEADS = "/hunter/leads"
BREAKERS = "/v1/admin/providers/hunter/breakers"
FAILURES = 5
ASKED = {"full_name": "Ada Hill", "domain": "example.com", "routing": {"providers": ["hunter"]}}


async def states(desk: Desk) -> dict[str, str]:
    """Of those that are not closed."""
    rows = (await desk.gateway.client.get(BREAKERS)).json()["data"]
    return {row["operation"]: row["state"] for row in rows if row["state"] != "closed"}


async def trip(desk: Desk) -> None:
    desk.fault("hunter", "status", status=500)
    for _ in range(FAILURES):
        problem_of(await desk.send("GET", LEADS), 502, "all_providers_failed")


async def test_what_fails_is_held_back_and_nothing_else(desk: Desk) -> None:
    await trip(desk)
    desk.heal()
    desk.asked()
    reply = await desk.send("GET", LEADS)
    body = problem_of(reply, 503, "no_provider_available")
    assert body["attempts"][0]["reason"] == "circuit_open"
    assert 1 <= int(reply.headers["retry-after"]) <= 5
    assert desk.asked() == []
    assert await states(desk) == {"leads.list": "open"}
    assert (await desk.send("GET", "/hunter/lists")).status_code == 200
    found = await desk.gateway.client.post("/v1/emails/find", json=ASKED)
    assert found.status_code == 200, found.text


async def test_it_is_forced_like_any_other_and_ends_with_an_answer(desk: Desk) -> None:
    await trip(desk)
    desk.heal()
    word = {"operation": "leads.list", "state": "closed"}
    assert (await desk.gateway.client.put(BREAKERS, json=word)).status_code == 200
    assert (await desk.send("GET", LEADS)).status_code == 200
    assert await states(desk) == {}


@pytest.mark.parametrize("status", [400, 404, 409, 418, 422, 429])
async def test_what_is_refused_is_no_failure(desk: Desk, status: int) -> None:
    desk.fault("hunter", "status", status=status, retry_after=0.001)
    for _ in range(FAILURES + 1):
        reply = await desk.send("GET", LEADS)
        assert "circuit_open" not in reply.text
        await asyncio.sleep(0.005)
    assert await states(desk) == {}


async def test_an_answer_between_failures_forgets_them(desk: Desk) -> None:
    for _ in range(3):
        desk.fault("hunter", "status", status=500)
        for _ in range(FAILURES - 1):
            problem_of(await desk.send("GET", LEADS), 502, "all_providers_failed")
        desk.heal()
        assert (await desk.send("GET", LEADS)).status_code == 200
    assert await states(desk) == {}


def deaf(error: ProviderError | None) -> Health:
    return "neutral"


def touchy(error: ProviderError | None) -> Health:
    return "fail" if error else "ok"


@pytest.mark.parametrize(
    "health, guard",
    [
        (deaf, test_what_fails_is_held_back_and_nothing_else),
        (touchy, lambda desk: test_what_is_refused_is_no_failure(desk, 404)),
        (health_of, lambda desk: test_what_is_refused_is_no_failure(desk, 418)),
    ],
)
async def test_wrong_words_of_their_health_are_noticed(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    health: Callable[[ProviderError | None], Health],
    guard: Callable[[Desk], Awaitable[None]],
) -> None:
    monkeypatch.setattr(accounts, "health_of_request", health)
    with pytest.raises(AssertionError):
        await guard(desk)
