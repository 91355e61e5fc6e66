"""Sixtyfour's dialect: tuples, cents, and a status that changes its case."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator

KEY = {"x-api-key": "sim-sixtyfour-key"}
LEAD = {"name": "Ada Lovelace", "company": "Blue Harbor", "note": "met in May"}
WORK = ["ada.lovelace@blue-harbor.example", "OK", "COMPANY"]
HOME = ["ada.lovelace@webmail.example", "OK", "PERSONAL"]


async def post(
    simulator: RunningSimulator, client: httpx.AsyncClient, path: str, body: Any
) -> httpx.Response:
    return await client.post(simulator.endpoints.sixtyfour + path, json=body, headers=KEY)


async def finish(
    simulator: RunningSimulator, client: httpx.AsyncClient, body: Any
) -> tuple[list[str], Any]:
    """Start a task and poll until it ends: the statuses on the way, and the last reply."""
    started = (await post(simulator, client, "/find-email-async", body)).json()
    url = f"{simulator.endpoints.sixtyfour}/job-status/{started['task_id']}"
    statuses = [started["status"]]
    while True:
        polled = (await client.get(url, headers=KEY)).json()
        statuses.append(polled["status"])
        if polled["status"] != "running":
            return statuses, polled


@pytest.mark.parametrize(
    "lead",
    [
        LEAD,
        {"first_name": "ada", "last_name": "LOVELACE", "domain": "blue-harbor.example"},
        {"linkedin_url": "https://linkedin.com/in/ada-lovelace-sim0/"},
    ],
)
async def test_a_professional_address_costs_five_cents(
    simulator: RunningSimulator, client: httpx.AsyncClient, lead: dict[str, str]
) -> None:
    body = (await post(simulator, client, "/find-email", {"lead": lead})).json()
    assert body == {**lead, "email": [WORK], "cost_cents": 5}
    assert [(row.units, row.cost) for row in simulator.bill.rows] == [(5, "0.05")]


@pytest.mark.parametrize("mode", ["PERSONAL", "Personal"])
async def test_a_personal_address_costs_twenty_and_comes_with_the_other(
    simulator: RunningSimulator, client: httpx.AsyncClient, mode: str
) -> None:
    body = (await post(simulator, client, "/find-email", {"lead": LEAD, "mode": mode})).json()
    assert (body["email"], body["personal_email"]) == ([WORK], [HOME])
    assert simulator.bill.totals()["sixtyfour"].units == 20


@pytest.mark.parametrize("mode", ["PROFESSIONAL", "PERSONAL"])
async def test_a_task_runs_in_capitals_and_completes_in_small_letters(
    simulator: RunningSimulator, client: httpx.AsyncClient, mode: str
) -> None:
    statuses, done = await finish(simulator, client, {"lead": LEAD, "mode": mode})
    assert statuses == ["RUNNING", "running", "completed"]
    assert done["charge_amount"] == (5 if mode == "PROFESSIONAL" else 20)
    assert done["result"]["email"] == [WORK]
    assert [row.units for row in simulator.bill.rows] == [done["charge_amount"]]


async def test_a_miss_is_free_and_says_not_found(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    nobody = {"lead": {**LEAD, "name": "Nobody Atall"}, "mode": "PERSONAL"}
    _, done = await finish(simulator, client, nobody)
    assert done["charge_amount"] == 0
    assert done["result"]["email"] == [["", "NOT_FOUND", "COMPANY"]]
    assert done["result"]["personal_email"] == [["", "NOT_FOUND", "PERSONAL"]]
    assert not simulator.bill.rows


async def test_catch_all_addresses_are_unknown(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    world = simulator.world
    person = next(p for p in world.people if p.company.catch_all and world.known("sixtyfour", p))
    lead = {"name": person.full_name, "domain": person.company.domain}
    body = (await post(simulator, client, "/find-email", {"lead": lead})).json()
    assert body["email"][0][1] == "UNKNOWN"


async def test_an_address_in_the_lead_comes_back_for_nothing(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    lead = {"name": "Ada Lovelace", "email": HOME[0]}
    body = (
        await post(simulator, client, "/find-email", {"lead": lead, "mode": "PERSONAL"})
    ).json()
    assert (body["personal_email"], body["cost_cents"]) == ([HOME], 0)
    assert not simulator.bill.rows


async def test_a_task_nobody_asks_for_is_billed_all_the_same(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    await post(simulator, client, "/find-email-async", {"lead": LEAD})
    assert (await simulator.control.bill())["totals"]["sixtyfour"]["units"] == 5


@pytest.mark.parametrize(
    "body, field",
    [({}, "lead"), ({"lead": "Ada"}, "lead"), ({"lead": LEAD, "mode": "BOTH"}, "mode")],
)
async def test_wrong_bodies_are_422_with_a_detail_list(
    simulator: RunningSimulator, client: httpx.AsyncClient, body: Any, field: str
) -> None:
    answer = await post(simulator, client, "/find-email", body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


async def test_unreadable_json_unknown_tasks_and_keys_are_refused(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    base = simulator.endpoints.sixtyfour
    torn = await client.post(base + "/find-email", content=b'{"lead":', headers=KEY)
    lost = await client.get(base + "/job-status/none", headers=KEY)
    unsigned = await client.post(base + "/find-email", json={"lead": LEAD})
    assert [a.status_code for a in (torn, lost, unsigned)] == [422, 404, 401]
    assert unsigned.json()["error"] == "Unauthorized"
    bearer = {"Authorization": "Bearer sim-sixtyfour-key"}
    answer = await client.post(base + "/find-email", json={"lead": LEAD}, headers=bearer)
    assert answer.status_code == 200


async def test_an_empty_balance_is_402(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    account = {"provider": "sixtyfour", "allowance": {"cents": 5}}
    await simulator.control.put("/accounts", account)
    answers = [await post(simulator, client, "/find-email", {"lead": LEAD}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 402]
