"""The control API: the truth, the traffic, the accounts and the clock."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from providers.simulator.knowledge import PROVIDERS
from providers.simulator.testing import ControlRefused, RunningSimulator

ADA = {"domain": "blue-harbor.example", "full_name": "Ada Lovelace"}


async def test_the_truth_can_be_asked_for(simulator: RunningSimulator) -> None:
    control = simulator.control
    summary = await control.get("/world")
    assert (summary["people"], summary["seed"]) == (2000, 7)
    showcase = summary["showcase"]
    assert set(showcase["known"]) == set(PROVIDERS)
    assert await control.get("/world/person", email=showcase["email"]) == showcase
    by_name = await control.get("/world/person", name="ada lovelace", domain=ADA["domain"])
    assert by_name == showcase
    assert await control.get("/world/person", email="x@y.example") is None
    people = await control.get("/world/people", limit=3, offset=1)
    assert [person["id"] for person in people] == [1, 2, 3]
    company = await control.get("/world/company", domain="blue-harbor.example")
    assert company == showcase["company"]


async def test_requests_are_counted_by_route_and_timed(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    base = simulator.endpoints
    await asyncio.gather(
        *(client.get(base.hunter + "/email-count", params=ADA) for _ in range(3)),
        client.get(base.sixtyfour + "/job-status/a"),
        client.get(base.sixtyfour + "/job-status/b"),
    )
    report = await simulator.control.get("/requests")
    assert report["counts"] == {
        "hunter": {"/email-count": 3},
        "sixtyfour": {"/job-status/{task_id}": 2},
    }
    assert report["in_flight"] == 0
    for visit in report["requests"]:
        assert visit["arrived"] <= visit["departed"] <= report["now"]
    only = await simulator.control.get("/requests", provider="sixtyfour")
    assert {visit["status"] for visit in only["requests"]} == {401}
    await simulator.control.delete("/requests")
    assert (await simulator.control.get("/requests"))["requests"] == []


async def test_accounts_can_be_added_and_shut(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    control = simulator.control
    account = {"provider": "hunter", "name": "second", "key": "second-key"}
    await control.put("/accounts", {**account, "allowance": {"searches": 3}})
    url, headers = simulator.endpoints.hunter + "/email-finder", {"x-api-key": "second-key"}
    assert (await client.get(url, params=ADA, headers=headers)).status_code == 200
    listed = await control.get("/accounts")
    second = next(entry for entry in listed if entry["name"] == "second")
    assert second["left"] == {"searches": 2}
    assert "second-key" not in str(listed)
    assert simulator.bill.rows[0].account == "second"
    await control.put("/accounts", {"provider": "hunter", "name": "second", "enabled": False})
    assert (await client.get(url, params=ADA, headers=headers)).status_code == 401


async def test_calls_take_the_time_that_was_set(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    change = {"profile": "zero", "provider": "hunter", "call_seconds": 0.03}
    await simulator.control.put("/latency", change)
    await client.get(simulator.endpoints.hunter + "/email-count", params=ADA)
    visit = simulator.app.traffic.latest[-1]
    assert visit.departed is not None
    assert visit.departed - visit.arrived >= 0.03


async def test_a_reset_starts_over(simulator: RunningSimulator, client: httpx.AsyncClient) -> None:
    url = simulator.endpoints.hunter + "/email-finder"
    await client.get(url, params={**ADA, "api_key": "sim-hunter-key"})
    await simulator.control.fault("hunter", "html")
    await simulator.control.post("/reset")
    assert (await simulator.control.bill())["rows"] == []
    assert await simulator.control.get("/faults") == []
    assert (await simulator.control.get("/requests"))["counts"] == {}


@pytest.mark.parametrize(
    "path, body",
    [
        ("/latency", {"profile": "warp"}),
        ("/accounts", {"provider": "hunter", "name": "keyless"}),
        ("/accounts", {"provider": "hunter", "colour": "red"}),
        ("/tokens", {"expires_in": "long"}),
        ("/nowhere", {}),
    ],
)
async def test_wrong_controls_are_refused(
    simulator: RunningSimulator, path: str, body: dict[str, str]
) -> None:
    with pytest.raises(ControlRefused):
        await simulator.control.put(path, body)


async def test_prices_can_be_changed(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    price = {"provider": "hunter", "meter": "searches", "price": "0.5"}
    await simulator.control.put("/prices", price)
    params = {**ADA, "api_key": "sim-hunter-key"}
    await client.get(simulator.endpoints.hunter + "/email-finder", params=params)
    assert simulator.bill.rows[0].cost == "0.5"
