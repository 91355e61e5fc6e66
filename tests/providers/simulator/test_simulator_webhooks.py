"""What the simulator sends by itself: results, signed where they are, repeated until taken."""

from __future__ import annotations

import hmac
from typing import Any

import httpx
import pytest

from providers.simulator.samples import DOMAIN, EMAIL
from providers.simulator.testing import RunningSimulator
from tests.providers.simulator.receiver import Received, receiving
from tests.providers.simulator.walking import Walker

LEAD = {"name": "Ada Lovelace", "company": "Blue Harbor"}
SECRET = "/webhooks/signing-secret"


@pytest.fixture
async def walker(simulator: RunningSimulator, client: httpx.AsyncClient) -> Walker:
    await simulator.control.put("/deliveries", {"pauses": [0.01, 0.01, 0.01, 0.01]})
    return Walker(simulator, client)


async def start(walker: Walker, url: str, path: str = "/find-email-async", **body: Any) -> str:
    body = body or {"lead": LEAD}
    answer = await walker.ask("sixtyfour", "POST", path, json={**body, "webhook_url": url})
    await walker.simulator.app.stage.deliveries.idle()
    return str(answer.json()["task_id"])


async def secret(walker: Walker, path: str = SECRET, body: Any = None) -> str:
    answer = await walker.ask("sixtyfour", "POST", path, json=body or {})
    return str(answer.json()["plaintext"])


def marks(received: Received) -> tuple[str, list[str]]:
    """The time and every signature: a header may have several."""
    parts = [part.partition("=") for part in received.headers["sixtyfour-signature"].split(",")]
    at = next(value for name, _, value in parts if name == "t")
    return at, [value for name, _, value in parts if name == "v1"]


def sign(key: str, received: Received) -> str:
    message = marks(received)[0].encode() + b"." + received.body
    return hmac.new(key.encode(), message, "sha256").hexdigest()


async def test_a_result_is_sent_unasked_and_unsigned_without_a_secret(walker: Walker) -> None:
    async with receiving() as receiver:
        task = await start(walker, receiver.url)
    only = receiver.received[0]
    assert only.payload == {
        "task_id": task,
        "status": "completed",
        "task_type": "find_email",
        "result": {**LEAD, "email": [[EMAIL, "OK"]]},
    }
    assert only.headers["sixtyfour-event-type"] == "find_email"
    assert only.headers["sixtyfour-delivery-attempt"] == "1"
    assert "sixtyfour-signature" not in only.headers
    assert [row.units for row in walker.simulator.bill.rows] == [5]


async def test_a_signature_is_over_the_raw_body_with_the_whole_secret(walker: Walker) -> None:
    key = await secret(walker)
    assert key.startswith("sk_whsec_")
    async with receiving() as receiver:
        await start(walker, receiver.url)
    assert marks(receiver.received[0])[1] == [sign(key, receiver.received[0])]


async def test_while_rolling_both_secrets_sign_the_new_one_first(walker: Walker) -> None:
    old = await secret(walker)
    new = await secret(walker, f"{SECRET}/roll", {"expire_overlap_hours": 1})
    async with receiving() as receiver:
        await start(walker, receiver.url)
        last = await secret(walker, f"{SECRET}/roll", {"expire_overlap_hours": 0})
        await start(walker, receiver.url)
    first, second = receiver.received
    assert marks(first)[1] == [sign(new, first), sign(old, first)]
    assert marks(second)[1] == [sign(last, second)]


async def test_a_delivery_is_repeated_until_it_is_taken(walker: Walker) -> None:
    async with receiving(500, 0, 302) as receiver:
        await start(walker, receiver.url)
    events = {r.headers["sixtyfour-event-id"] for r in receiver.received}
    attempts = [r.headers["sixtyfour-delivery-attempt"] for r in receiver.received]
    assert (len(events), attempts) == (1, ["1", "2", "3", "4"])
    assert len({r.body for r in receiver.received}) == 1
    log = await walker.simulator.control.get("/deliveries")
    assert [delivery["status"] for delivery in log] == [500, None, 302, 200]


async def test_after_five_attempts_it_is_given_up(walker: Walker) -> None:
    async with receiving(*[503] * 9) as receiver:
        await start(walker, receiver.url)
    assert len(receiver.received) == 5


async def test_nothing_is_sent_to_other_machines(walker: Walker) -> None:
    for url in ("http://192.0.2.1/x", "http://hooks.customer.example/", "https://127.0.0.1/"):
        await start(walker, url)
    log = await walker.simulator.control.get("/deliveries")
    assert {delivery["status"] for delivery in log} == {None}


async def test_a_stuck_task_sends_nothing(walker: Walker) -> None:
    await walker.simulator.control.fault("sixtyfour", "never_ready", times=1)
    async with receiving() as receiver:
        await start(walker, receiver.url)
    assert not receiver.received


async def test_a_batch_is_an_array_and_each_lead_is_charged(walker: Walker) -> None:
    leads = [LEAD, {"name": "Nobody"}, {"email": "given@x.example"}]
    answer = await walker.ask("sixtyfour", "POST", "/find-email-bulk", json={"leads": leads})
    results = answer.json()
    assert [result["cost_cents"] for result in results] == [5, 0, 0]
    assert results[1]["email"] == [["", "NOT_FOUND", "COMPANY"]]
    async with receiving() as receiver:
        task = await start(walker, receiver.url, "/find-email-bulk-async", leads=leads)
    assert receiver.received[0].payload["task_type"] == "find_email_bulk"
    status = (await walker.ask("sixtyfour", "GET", f"/job-status/{task}")).json()
    assert (status["status"], status["charge_amount"]) == ("completed", 5)
    sent = receiver.received[0].payload["result"]
    assert [found["email"][0][:2] for found in status["result"]] == [f["email"][0] for f in sent]
    assert [len(found["email"][0]) for found in status["result"]] == [3, 3, 3]
    assert [row.units for row in walker.simulator.bill.rows] == [5, 5]


@pytest.mark.parametrize(
    "path, body, field",
    [
        ("/find-email-bulk", {}, "leads"),
        ("/find-email-bulk", {"leads": [{}] * 101}, "leads"),
        ("/find-email-bulk", {"leads": ["x"]}, "leads"),
        ("/find-email-bulk-async", {"leads": LEAD}, "leads"),
        ("/find-email", {"lead": LEAD, "providers": "hunter"}, "providers"),
        ("/find-email-async", {"lead": LEAD, "webhook_url": "ftp://x"}, "webhook_url"),
        (f"{SECRET}/roll", {"expire_overlap_hours": 73}, "expire_overlap_hours"),
    ],
)
async def test_wrong_bodies_are_422_with_the_field(
    walker: Walker, path: str, body: Any, field: str
) -> None:
    await secret(walker)
    answer = await walker.ask("sixtyfour", "POST", path, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


async def test_a_secret_is_shown_once_and_can_be_taken_away(walker: Walker) -> None:
    assert (await walker.ask("sixtyfour", "GET", SECRET)).status_code == 404
    assert (await walker.ask("sixtyfour", "POST", f"{SECRET}/roll")).status_code == 404
    key = await secret(walker)
    shown = (await walker.ask("sixtyfour", "GET", SECRET)).json()
    assert shown["preview"].endswith(key[-4:])
    assert key not in str(shown)
    assert (await walker.ask("sixtyfour", "POST", SECRET)).status_code == 409
    assert (await walker.ask("sixtyfour", "DELETE", SECRET)).status_code == 204
    assert (await walker.ask("sixtyfour", "GET", SECRET)).status_code == 404


@pytest.mark.parametrize(
    "path, body",
    [
        ("/v2/domain-search/start", {"domain": DOMAIN}),
        ("/v2/domain-search/prospects/start", {"domain": DOMAIN}),
        ("/v2/domain-search/domain-emails/start", {"domain": DOMAIN}),
        ("/v2/email-verification/start", {"emails": [EMAIL]}),
        ("/v2/database-search/companies/start", {"filters": {"company": {"size": ["1-10"]}}}),
    ],
)
async def test_snov_sends_the_result_itself(walker: Walker, path: str, body: Any) -> None:
    async with receiving() as receiver:
        answer = await walker.ask("snov", "POST", path, json={**body, "webhook_url": receiver.url})
        await walker.simulator.app.stage.deliveries.idle()
    started = answer.json()
    hash_ = {**started["meta"], **(started["data"] or {})}["task_hash"]
    family = path.removesuffix("/start")
    ways = (f"{family}/result/{hash_}", f"{family}/result?task_hash={hash_}")
    asked = [await walker.ask("snov", "GET", way) for way in ways]
    assert receiver.received[0].payload in [answer.json() for answer in asked]
    assert receiver.received[0].payload["status"] == "completed"


async def test_an_event_at_snov_is_told_unsigned_until_nobody_listens(walker: Walker) -> None:
    hook = {"event_object": "campaign_reply", "event_action": "received"}
    event, told = {**hook, "data": {"email": EMAIL}}, None
    async with receiving(200, *[500] * 5) as receiver:
        body = {**hook, "endpoint_url": receiver.url}
        made = (await walker.ask("snov", "POST", "/v2/webhooks", json=body)).json()["data"]
        for _ in range(3):
            told = await walker.simulator.control.post("/events", event)
            await walker.simulator.app.stage.deliveries.idle()
    assert len(receiver.received) == 6
    assert receiver.received[0].payload == event
    assert not any("signature" in name for name in receiver.received[0].headers)
    assert told == {"webhooks": 0}
    listed = (await walker.ask("snov", "GET", "/v2/webhooks")).json()["data"]
    assert next(e["data"] for e in listed if e["data"]["id"] == made["id"])["status"] == (
        "deactivated"
    )
