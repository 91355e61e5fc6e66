"""Hunter charges for a verdict alone: what else a verification of it ends as costs nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from gateway.lookup import tickets
from tests.gateway.lookup.scene import HUNTER_VERIFY, Scene, attempts, cost

PRICES = {"hunter": Decimal("0.0245"), "snov": Decimal("0.03")}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "wait_after", lambda _error, _poll: 0.01)


async def verify(scene: Scene, *faults: dict[str, Any]) -> httpx.Response:
    """Of an address whose verifier at Hunter first says that it takes its time."""
    for fault in ({"kind": "never_ready", "times": 1}, *faults):
        scene.fault("hunter", path=HUNTER_VERIFY, **fault)
    person = scene.person(hunter="valid", snov="valid")
    routing = {"providers": ["hunter", "snov"]}
    body = {"email": person.email, "routing": routing}
    return await scene.gateway.post("/v1/emails/verify", body)


@pytest.mark.parametrize("faults", [[], [{"kind": "status", "status": 503, "times": 1}]])
async def test_a_verdict_is_posted(scene: Scene, faults: list[dict[str, Any]]) -> None:
    reply = await verify(scene, *faults)
    assert attempts(reply) == [("hunter", "accepted", None)]
    assert cost(reply) == scene.billed() == PRICES["hunter"]


async def test_an_odd_mail_server_ends_it_and_the_next_is_asked(scene: Scene) -> None:
    reply = await verify(scene, {"kind": "status", "status": 222})
    assert attempts(reply) == [("hunter", "failed", "unavailable"), ("snov", "accepted", None)]
    assert cost(reply) == scene.billed() == PRICES["snov"]
    assert reply.json()["meta"]["in_doubt"] == "0"
    assert scene.requests(HUNTER_VERIFY) == 2


@pytest.mark.parametrize("status, reason", [(400, "invalid_query"), (404, "unsupported")])
async def test_a_refusal_costs_nothing(scene: Scene, status: int, reason: str) -> None:
    reply = await verify(scene, {"kind": "status", "status": status})
    assert attempts(reply) == [("hunter", "failed", reason), ("snov", "accepted", None)]
    assert cost(reply) == scene.billed() == PRICES["snov"]
    assert reply.json()["meta"]["in_doubt"] == "0"


async def test_an_objection_costs_nothing_and_stays_one(scene: Scene) -> None:
    reply = await verify(scene, {"kind": "status", "status": 451})
    assert reply.status_code == 451
    assert attempts(reply) == [("hunter", "failed", "suppressed")]
    summary = await scene.gateway.client.get("/v1/admin/ledger/summary?group_by=provider")
    [row] = summary.json()["data"]
    assert (row["cost"], row["in_doubt"]) == ("0", "0")
    assert scene.billed() == 0


async def test_one_that_never_ends_may_have_been_charged(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts once it has a verdict, whoever reads that."""
    monkeypatch.setattr(tickets, "LIFE", 0.1)
    reply = await verify(scene, {"kind": "status", "status": 202})
    assert attempts(reply)[0] == ("hunter", "in_doubt", "timed_out")
    assert Decimal(reply.json()["meta"]["in_doubt"]) == PRICES["hunter"]
    scene.heal()
    report = (await scene.gateway.post("/v1/admin/reconcile", {})).json()["data"]
    assert [(line["action"], line["evidence"]) for line in report["lines"]] == [
        ("posted", "its task")
    ]
    assert scene.billed("hunter") == PRICES["hunter"]
