"""The bill: exact, append-only, and still there after the simulator was killed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.simulator.bill import Bill, to_money
from providers.simulator.testing import RunningSimulator, running_simulator
from providers.simulator.world import World


def charge(bill: Bill, what: str = "x", units: int = 1) -> None:
    bill.charge(
        "hunter", "default", "email-finder", what, meter="searches", units=units, request_id="r"
    )


@pytest.mark.parametrize(
    "micro, money", [(0, "0"), (49_000, "0.049"), (1_000_000, "1"), (1_500_001, "1.500001")]
)
def test_money_is_a_plain_decimal(micro: int, money: str) -> None:
    assert to_money(micro) == money


def test_totals_are_the_sum_of_the_rows() -> None:
    bill = Bill()
    for units in (1, 2, 3):
        charge(bill, units=units)
    assert [row.cost for row in bill.rows] == ["0.049", "0.098", "0.147"]
    total = bill.totals()["hunter"]
    assert (total.calls, total.units, total.cost) == (3, 6, "0.294")
    assert bill.used("hunter", "default", "searches") == 6


def test_prices_can_be_set() -> None:
    bill = Bill()
    bill.prices["hunter", "searches"] = Decimal("0.0000005")
    charge(bill)
    assert bill.rows[0].cost == "0.000001"


def test_the_file_is_read_again_and_a_torn_line_dropped(tmp_path: Path) -> None:
    path = tmp_path / "bill.jsonl"
    first = Bill(path)
    charge(first, "ada")
    charge(first, "grace")
    with path.open("ab") as file:
        file.write(b'{"seq":3,"at":"20')
    second = Bill(path)
    assert second.rows == first.rows
    assert second.has("hunter", "default", "email-finder", "ada")
    charge(second, "alan")
    assert [row.seq for row in Bill(path).rows] == [1, 2, 3]


def test_a_cleared_bill_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "bill.jsonl"
    bill = Bill(path)
    charge(bill)
    bill.clear()
    assert (bill.rows, bill.totals(), path.read_bytes()) == ([], {}, b"")
    charge(bill)
    assert bill.rows[0].seq == 2


async def test_the_control_api_shows_rows_and_totals(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    params = {"domain": "blue-harbor.example", "full_name": "ada LOVELACE"}
    for _ in range(2):
        await client.get(
            simulator.endpoints.hunter + "/email-finder",
            params=params,
            headers={"x-api-key": "sim-hunter-key"},
        )
    bill: Any = await simulator.control.bill("hunter")
    assert bill["totals"] == {"hunter": {"calls": 2, "units": 2, "cost": "0.098"}}
    row = bill["rows"][0]
    assert (row["operation"], row["what"]) == ("email-finder", "ada lovelace@blue-harbor.example")
    assert (row["provider"], row["account"], row["cost"]) == ("hunter", "default", "0.049")
    assert len((await simulator.control.get("/bill", after=row["seq"]))["rows"]) == 1
    assert (await simulator.control.bill("snov"))["rows"] == []
    await simulator.control.delete("/bill")
    assert (await simulator.control.bill())["rows"] == []


async def test_what_was_bought_is_remembered_over_a_restart(
    world: World, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "bill.jsonl"
    names = {"firstName": "Ada", "lastName": "Lovelace", "domain": "blue-harbor.example"}
    secret = {
        "grant_type": "client_credentials",
        "client_id": "sim-snov-client",
        "client_secret": "sim-snov-secret",
    }

    async def ask(base: str, method: str) -> Any:
        token = (await client.post(base + "/v1/oauth/access_token", json=secret)).json()
        body = {**names, "access_token": token["access_token"]}
        return (await client.post(f"{base}/v1/{method}", json=body)).json()

    async with running_simulator(world, bill=path) as before:
        await ask(before.endpoints.snov, "add-names-to-find-emails")
    async with running_simulator(world, bill=path) as after:
        body = await ask(after.endpoints.snov, "get-emails-from-names")
        assert body["status"]["identifier"] == "complete"
        assert after.bill.totals()["snov"].units == 1
