"""Hunter's campaigns under both names: their life, their recipients, their figures."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator
from tests.providers.simulator.walking import Walker


class Hunter:
    def __init__(self, walker: Walker) -> None:
        self.walker = walker
        self.world = walker.simulator.world

    async def ask(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        if body is not None:
            options["json"] = body
        answer = await self.walker.ask("hunter", method, path, **options)
        return answer.status_code, answer.json() if answer.content else None

    async def data(self, method: str, path: str, body: Any = None) -> Any:
        status, payload = await self.ask(method, path, body)
        assert status < 300, payload
        return payload["data"]

    async def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        status, payload = await self.ask(method, path, body)
        return status, payload["errors"][0]["id"]


@pytest.fixture
def hunter(simulator: RunningSimulator, client: httpx.AsyncClient) -> Hunter:
    return Hunter(Walker(simulator, client))


async def test_the_old_and_the_new_list_differ_in_name_and_owner(hunter: Hunter) -> None:
    status, body = await hunter.ask("GET", "/campaigns")
    rows = body["data"]["campaigns"]
    assert (status, [row["id"] for row in rows]) == (200, [5, 4, 3, 2, 1])
    assert body["meta"] == {"limit": 20, "offset": 0}
    assert set(rows[0]) == {
        "id", "name", "recipients_count", "editable", "started", "archived", "paused",
    }  # fmt: skip
    new = (await hunter.data("GET", "/sequences"))["sequences"]
    assert new == [{**row, "owner": new[0]["owner"]} for row in rows]


@pytest.mark.parametrize(
    "query, ids",
    [
        ("started=true", [4, 2, 1]),
        ("started=false", [5, 3]),
        ("archived=true", [4]),
        ("archived=false&started=1", [2, 1]),
        ("limit=2&offset=1", [4, 3]),
    ],
)
async def test_campaigns_are_chosen_and_paged(hunter: Hunter, query: str, ids: list[int]) -> None:
    rows = (await hunter.data("GET", f"/campaigns?{query}"))["campaigns"]
    assert [row["id"] for row in rows] == ids


async def test_a_second_start_is_a_success_that_says_so(hunter: Hunter) -> None:
    started = await hunter.data("POST", "/campaigns/3/start")
    assert started == {"message": "16 emails scheduled for sending.", "recipients_count": 8}
    again = await hunter.data("POST", "/sequences/3/start", {})
    assert again == {"message": "Sequence already started."}
    assert await hunter.refusal("POST", "/campaigns/5/start") == (422, "validation_failed")
    assert await hunter.refusal("POST", "/campaigns/99/start") == (404, "sequence_not_found")


async def test_pausing_resuming_and_archiving_have_their_conditions(hunter: Hunter) -> None:
    assert await hunter.refusal("POST", "/sequences/3/pause") == (422, "sequence_not_active")
    assert await hunter.data("POST", "/sequences/2/pause") == {"id": 2, "paused": True}
    assert await hunter.data("POST", "/sequences/2/pause") == {"id": 2, "paused": True}
    assert (await hunter.data("GET", "/sequences/2"))["status"] == "paused"
    resume = ("DELETE", "/sequences/2/pause")
    assert await hunter.data(*resume) == {"message": "Sequence resumed."}
    assert await hunter.data(*resume) == {"message": "Sequence is not paused."}
    assert await hunter.data("POST", "/sequences/2/archive") == {"id": 2, "archived": True}
    assert await hunter.refusal(*resume) == (422, "sequence_not_active")
    assert await hunter.refusal("POST", "/sequences/3/archive") == (422, "sequence_not_started")


async def test_a_sequence_is_made_changed_and_deleted_as_a_draft(hunter: Hunter) -> None:
    body = {"name": "Q3", "schedule_time_start": 32400, "schedule_days": [1, 5], "tracked": False}
    made = await hunter.data("POST", "/sequences", body)
    assert (made["status"], made["settings"]["tracked"]) == ("draft", False)
    assert made["schedule"] == {
        "start_at": None, "time_start": "09:00", "time_end": "16:59", "days": [1, 5],
    }  # fmt: skip
    path = f"/sequences/{made['id']}"
    changed = await hunter.data("PUT", path, {"name": "Q4", "tracked": None})
    assert (changed["name"], changed["settings"]["tracked"]) == ("Q4", False)
    assert (await hunter.ask("DELETE", path))[0] == 204
    assert await hunter.refusal("GET", path) == (404, "sequence_not_found")
    assert await hunter.refusal("DELETE", "/sequences/1") == (422, "sequence_not_destroyable")
    locked = await hunter.refusal("PUT", "/sequences/1", {"schedule_days": [1]})
    assert locked == (422, "sequence_locked")
    assert await hunter.refusal("POST", "/sequences", {}) == (422, "name_required")


async def test_only_the_making_of_sequences_honours_an_idempotency_key(hunter: Hunter) -> None:
    async def make(key: str, body: Any) -> tuple[int, Any]:
        return await hunter.ask("POST", "/sequences", body, headers={"Idempotency-Key": key})

    first = await make("k1", {"name": "x", "schedule_days": [1, 2]})
    assert first[0] == 201
    assert await make("k1", {"schedule_days": [2, 1, 1], "name": "x"}) == first
    status, body = await make("k1", {"name": "y"})
    assert (status, body["errors"][0]["id"]) == (422, "idempotency_key_mismatch")
    assert (await make("k" * 256, {"name": "z"}))[0] == 422
    assert (await make("k2", {"name": "x"}))[1]["data"]["id"] == first[1]["data"]["id"] + 1
    await hunter.ask("DELETE", f"/sequences/{first[1]['data']['id']}")
    status, body = await make("k1", {"name": "x", "schedule_days": [1, 2]})
    assert body["errors"][0]["id"] == "idempotency_key_consumed"
    for expected in (201, 422):
        lead = {"email": "same@key.example"}
        options = {"headers": {"Idempotency-Key": "k3"}}
        assert (await hunter.ask("POST", "/leads", lead, **options))[0] == expected


async def test_recipients_have_neither_id_nor_status(hunter: Hunter) -> None:
    status, body = await hunter.ask("GET", "/campaigns/1/recipients?limit=3")
    rows = body["data"]["recipients"]
    assert (status, body["meta"]) == (200, {"limit": 3, "offset": 0})
    assert [row["lead_id"] for row in rows] == [1, 2, 3]
    assert set(rows[0]) == {
        "email", "first_name", "last_name", "position", "company", "website", "sending_status",
        "lead_id",
    }  # fmt: skip


async def test_recipients_are_skipped_for_a_reason(hunter: Hunter) -> None:
    rows = (await hunter.data("GET", "/campaigns/2/recipients"))["recipients"]
    status = {row["sending_status"]: row["email"] for row in rows}
    claimed = next(person.email for person in hunter.world.people if person.claimed)
    there = (await hunter.data("GET", "/campaigns/3/recipients"))["recipients"][0]["email"]
    path = "/campaigns/3/recipients"
    await hunter.data("POST", path, {"emails": "gone@x.example"})
    await hunter.data("DELETE", path, {"emails": "gone@x.example"})
    emails = [
        "new@x.example", there, claimed, "bad@nowhere", "gone@x.example",
        status["bounced"], status["unsubscribed"],
    ]  # fmt: skip
    data = await hunter.data("POST", path, {"emails": emails})
    assert data["recipients_added"] == 1
    assert data["skipped_recipients"] == [
        {"email": there, "reason": "duplicate"},
        {"email": claimed, "reason": "claimed"},
        {"email": "bad@nowhere", "reason": "invalid"},
        {"email": "gone@x.example", "reason": "removed"},
        {"email": status["bounced"], "reason": "bounced"},
        {"email": status["unsubscribed"], "reason": "unsubscribed"},
    ]
    lead = (await hunter.data("GET", "/leads/exist?email=new@x.example"))["id"]
    assert lead is not None


@pytest.mark.parametrize(
    "body, status",
    [
        ({}, 400),
        ({"emails": ["nonsense"]}, 422),
        ({"emails": [f"p{n}@x.example" for n in range(51)]}, 422),
        ({"lead_ids": [999]}, 404),
        ({"lead_ids": list(range(1, 52))}, 422),
    ],
)
async def test_a_wrong_recipient_refuses_all_of_them(
    hunter: Hunter, body: Any, status: int
) -> None:
    path = "/campaigns/5/recipients"
    assert (await hunter.ask("POST", path, {**body}))[0] == status
    assert (await hunter.data("GET", path))["recipients"] == []
    added = await hunter.data("POST", path, {"lead_ids": [1, 2], "emails": ["a@b.example"]})
    assert added == {"recipients_added": 3, "skipped_recipients": []}


async def test_what_was_sent_is_not_cancelled(hunter: Hunter) -> None:
    rows = (await hunter.data("GET", "/campaigns/2/recipients"))["recipients"]
    emails = [row["email"] for row in rows]
    waiting = [row["email"] for row in rows if row["sending_status"] == "pending"]
    data = await hunter.data("DELETE", "/campaigns/2/recipients", {"emails": emails})
    assert data == {"recipients_canceled": waiting, "messages_canceled": 2 * len(waiting)}


async def test_figures_are_of_recipients_and_rates_are_shares(hunter: Hunter) -> None:
    stats = await hunter.data("GET", "/sequences/2/stats")
    counts = {name: stats[name] for name in ("sent", "delivered", "opened", "clicked", "replied")}
    assert counts == {"sent": 7, "delivered": 6, "opened": 3, "clicked": 2, "replied": 1}
    assert (stats["recipients_count"], stats["bounced"]) == (8, 1)
    assert stats["open_rate"] == 0.5
    assert stats["bounce_rate"] == round(1 / 7, 4)
    assert [step["messages_sent"] for step in stats["follow_ups"]] == [7, 0]
    empty = await hunter.data("GET", "/sequences/5/stats")
    assert (empty["sent"], empty["open_rate"], empty["follow_ups"]) == (0, 0.0, [])


async def test_follow_ups_are_added_at_the_end_and_taken_from_it(hunter: Hunter) -> None:
    path = "/sequences/3/follow-ups"
    steps = (await hunter.data("GET", path))["follow_ups"]
    assert [step["step"] for step in steps] == [0, 1]
    body = {"subject": "Last try", "body": "<p>?</p>", "wait_days": "4"}
    made = (await hunter.data("POST", path, body))["follow_up"]
    assert (made["step"], made["wait_days"], made["message_format"]) == (2, 4, "html")
    first = f"{path}/{steps[1]['id']}"
    assert (await hunter.ask("DELETE", first))[0] == 422
    assert (await hunter.data("PUT", first, {"message_format": "text"}))[
        "message_format"
    ] == "text"
    assert (await hunter.ask("PUT", first, {"message_format": "pdf"}))[0] == 422
    assert (await hunter.ask("DELETE", f"{path}/{made['id']}"))[0] == 204
    assert (await hunter.ask("GET", f"{path}/{made['id']}"))[0] == 404
    for _ in range(4):
        await hunter.data("POST", path, body)
    assert (await hunter.ask("POST", path, body))[0] == 422
    active = await hunter.refusal("PUT", "/sequences/2/follow-ups/3", {"body": "x"})
    assert active == (422, "sequence_active")
