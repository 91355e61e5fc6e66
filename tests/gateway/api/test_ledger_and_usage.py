"""The ledger over HTTP: entries, sums and standings, with the simulator's bill as the judge."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gateway.api.tables import neutral
from gateway.money import summaries
from gateway.money.entries import Entry
from gateway.money.summaries import GROUPS, Sum
from providers.simulator.faults import Fault, Kind
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import pointers, problem_of
from tests.gateway.conftest import Gateway

LEDGER, SUMMARY, USAGE = "/v1/admin/ledger", "/v1/admin/ledger/summary", "/v1/usage"
CSV = {"accept": "text/csv"}
BUDGET = {"amount": "50", "period": "month"}
MONEY = ("cost", "reserved", "in_doubt")


@dataclass
class Office:
    """Two teams that have asked for two dozen persons, under tags of all kinds."""

    gateway: Gateway
    simulator: RunningSimulator
    teams: list[str]
    keys: list[str]

    async def get(self, path: str, **query: str) -> Any:
        reply = await self.gateway.client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def rows(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(SUMMARY, **query))["data"]
        return found

    def billed(self) -> Decimal:
        return sum((Decimal(row.cost) for row in self.simulator.bill.rows), Decimal(0))


TAGS = ("spring", '=HYPERLINK("http://x.example")', "", "-1+1", 'a,"b"')


@pytest.fixture
async def office(gateway: Gateway, simulator: RunningSimulator) -> Office:
    teams = [await gateway.team(name, budget=BUDGET) for name in ("sales", "research")]
    keys = [await gateway.key(team, "lookup", "usage", budget=BUDGET) for team in teams]
    people = simulator.world.people[:24]
    async with gateway.caller(keys[0]) as one, gateway.caller(keys[1]) as other:
        asked = []
        for at, person in enumerate(people):
            body = {"full_name": f"{person.first_name} {person.last_name}", "tag": TAGS[at % 5]}
            body["domain"] = person.company.domain
            asked.append((other if at % 3 else one).post("/v1/emails/find", json=body))
        replies = await asyncio.gather(*asked)
    # Some of the simulated persons have objected.
    assert {reply.status_code for reply in replies} <= {200, 451}
    return Office(gateway, simulator, teams, keys)


def total(rows: list[dict[str, Any]], name: str = "cost") -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows), Decimal(0))


async def test_every_grouping_sums_to_the_bill(office: Office) -> None:
    billed = office.billed()
    assert billed > 0
    for groups in ("", *GROUPS, "team,key", "day,tag,provider", ",".join(GROUPS)):
        rows = await office.rows(group_by=groups)
        names = [name for name in groups.split(",") if name]
        assert total(rows) == billed, groups
        assert len({tuple(row[name] for name in names) for row in rows}) == len(rows)
        assert all(set(row) == {*names, "calls", "units", *MONEY} for row in rows)
        assert total(rows, "reserved") == total(rows, "in_doubt") == 0
    by_provider = {row["provider"]: row for row in await office.rows(group_by="provider")}
    for name, billed_one in office.simulator.bill.totals().items():
        assert Decimal(by_provider[name]["cost"]) == Decimal(billed_one.cost)
        assert by_provider[name]["units"] == billed_one.units


async def test_money_in_doubt_is_shown_apart(office: Office) -> None:
    kind: Kind = "charge_without_reply"
    office.simulator.faults.put(Fault(provider="hunter", kind=kind, path="/email-finder"))
    person = office.simulator.world.people[40]
    name = {"first_name": person.first_name, "last_name": person.last_name}
    body = {**name, "domain": person.company.domain, "routing": {"providers": ["hunter"]}}
    before = total(await office.rows())
    await office.gateway.post("/v1/emails/find", body)
    [row] = await office.rows(state="in_doubt", group_by="provider,key")
    assert (row["provider"], row["key"], row["in_doubt"]) == ("hunter", "bootstrap", "0.049")
    assert (row["cost"], row["calls"]) == ("0", 1)
    assert total(await office.rows()) == before


async def pages(
    client: httpx.AsyncClient, limit: int, path: str = LEDGER, **query: str
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    given = {**query, "limit": str(limit)}
    while True:
        reply = (await client.get(path, params=given)).json()
        assert len(reply["data"]) <= limit
        found += reply["data"]
        if reply["meta"]["next_cursor"] is None:
            return found
        assert len(reply["data"]) == limit
        given["cursor"] = reply["meta"]["next_cursor"]


async def test_pages_of_any_size_hold_every_entry_once(office: Office) -> None:
    whole = await pages(office.gateway.client, 100)
    assert len({row["id"] for row in whole}) == len(whole) > 20
    assert [row["at"] for row in whole] == sorted((row["at"] for row in whole), reverse=True)
    assert total(whole) == office.billed()
    for limit in (1, 7, len(whole)):
        assert await pages(office.gateway.client, limit) == whole
    team = office.teams[0]
    part = await pages(office.gateway.client, 3, team=team, provider="hunter")
    assert part == [row for row in whole if (row["team"], row["provider"]) == (team, "hunter")]
    assert part


@pytest.mark.parametrize("path", [SUMMARY, USAGE])
async def test_sums_come_whole_or_in_pages(office: Office, path: str) -> None:
    """They are parts of one sum: a page is for who asks for it, and CSV is never cut."""
    query = {"group_by": "team,operation,tag"}
    key = await office.gateway.key(office.teams[0], "usage", "admin")
    async with office.gateway.caller(key) as client:
        reply = (await client.get(path, params=query)).json()
        whole, meta = reply["data"], reply["meta"]
        assert (meta["next_cursor"], meta["total"]) == (None, len(whole))
        assert len(whole) > 2
        for limit in (1, 2, len(whole)):
            assert await pages(client, limit, path, **query) == whole
        for wrong in ("0", "101", "many"):
            refused = await client.get(path, params={**query, "limit": wrong})
            assert pointers(refused) == ["/limit"]
        first = (await client.get(path, params={**query, "limit": 1})).json()["meta"]
        for other in ({"group_by": "team"}, {**query, "provider": "hunter"}):
            params = {**other, "cursor": first["next_cursor"]}
            assert pointers(await client.get(path, params=params)) == ["/cursor"]
        shown = await client.get(path, params={**query, "limit": 1}, headers=CSV)
        assert len(table(shown)) == len(whole)


async def test_an_entry_made_meanwhile_moves_no_page(office: Office) -> None:
    whole = await pages(office.gateway.client, 100)
    first = await office.get(LEDGER, limit="5")
    await office.gateway.post("/v1/emails/verify", {"email": "someone@blue-harbor.example"})
    cursor = first["meta"]["next_cursor"]
    second = await office.get(LEDGER, limit="5", cursor=cursor)
    assert first["data"] + second["data"] == whole[:10]
    # Of another question, of another team: not this list's.
    for query in ({"team": "default"}, {"from": "2020-01-01"}):
        reply = await office.gateway.client.get(LEDGER, params={"cursor": cursor, **query})
        problem_of(reply, 422, "invalid_query")


@pytest.mark.parametrize("name", ["team", "key", "provider", "credential", "operation", "tag"])
async def test_filters_select_what_they_say(office: Office, name: str) -> None:
    whole = await pages(office.gateway.client, 100)
    for value in {row[name] for row in whole}:
        expected = [row for row in whole if row[name] == value]
        assert await pages(office.gateway.client, 50, **{name: value}) == expected
        assert total(await office.rows(**{name: value})) == total(expected)
    assert await pages(office.gateway.client, 50, **{name: "nothing-like-it"}) == []


async def test_a_span_of_time_has_its_beginning_and_not_its_end(office: Office) -> None:
    whole = await pages(office.gateway.client, 100)
    pivot = whole[len(whole) // 2]["at"]
    late = await pages(office.gateway.client, 100, **{"from": pivot})
    early = await pages(office.gateway.client, 100, to=pivot)
    assert late + early == whole
    assert whole[len(whole) // 2] in late
    day = whole[0]["at"][:10]
    assert (
        await pages(office.gateway.client, 100, **{"from": whole[-1]["at"][:10], "to": day})
        == whole
    )
    assert await pages(office.gateway.client, 100, to="2020-01-01") == []


@pytest.mark.parametrize(
    "query, pointer",
    [
        ({"group_by": "person"}, "/group_by"),
        ({"from": "yesterday"}, "/from"),
        ({"to": "2026-13-01"}, "/to"),
        ({"from": "2026-11-22T10:00:00"}, "/from"),
        ({"to": "9999-12-31"}, "/to"),
    ],
)
async def test_a_question_that_means_nothing_is_refused(
    gateway: Gateway, query: Mapping[str, str], pointer: str
) -> None:
    for path in (SUMMARY, USAGE):
        reply = await gateway.client.get(path, params=dict(query))
        problem_of(reply, 422, "invalid_query")
        assert pointers(reply) == [pointer]
    for wrong in ({"state": "lost"}, {"limit": "101"}, {"limit": "0"}):
        problem_of(await gateway.client.get(LEDGER, params=wrong), 422, "invalid_query")


def table(reply: httpx.Response) -> list[dict[str, str]]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(reply.text)))


async def test_csv_has_every_row_and_no_formula(office: Office) -> None:
    client = office.gateway.client
    whole = await pages(office.gateway.client, 100)
    shown = table(await client.get(LEDGER, headers=CSV))
    assert [row["id"] for row in shown] == [row["id"] for row in whole]
    assert sum(Decimal(row["cost"]) for row in shown) == office.billed()
    assert {row["currency"] for row in shown} == {"USD"}
    assert len(table(await client.get(LEDGER, headers=CSV, params={"limit": "4"}))) == 4
    sums = table(await client.get(SUMMARY, headers=CSV, params={"group_by": "tag,team"}))
    assert sum(Decimal(row["cost"]) for row in sums) == office.billed()
    for row in [*shown, *sums]:
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    assert {row["tag"].removeprefix("'") for row in sums} == set(TAGS)


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_begins_a_formula_in_any_script(start: str) -> None:
    assert neutral(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize(
    "accept, is_csv",
    [
        ("text/csv, */*;q=0.1", True),
        ("application/json, text/csv;q=0.5", False),
        ("text/csv;q=0", False),
        ("*/*", False),
        ("", False),
    ],
)
async def test_csv_is_given_to_those_who_prefer_it(
    gateway: Gateway, accept: str, is_csv: bool
) -> None:
    reply = await gateway.client.get(SUMMARY, headers={"accept": accept})
    assert reply.headers["content-type"].startswith("text/csv" if is_csv else "application/json")


async def test_a_team_sees_itself_alone(office: Office) -> None:
    costs = {row["team"]: row["cost"] for row in await office.rows(group_by="team")}
    for team, key in zip(office.teams, office.keys, strict=True):
        async with office.gateway.caller(key) as client:
            for query in ({}, {"team": "default"}, {"team": office.teams[0]}):
                params = {"group_by": "team", **query}
                [row] = (await client.get(USAGE, params=params)).json()["data"]
                assert (row["team"], row["cost"]) == (team, costs[team])
                [shown] = table(await client.get(USAGE, params=params, headers=CSV))
                assert (shown["team"], shown["cost"]) == (team, costs[team])
            for path in (LEDGER, SUMMARY):
                problem_of(await client.get(path), 403, "forbidden")


async def test_me_says_what_is_left(office: Office) -> None:
    costs = {row["team"]: row["cost"] for row in await office.rows(group_by="team")}
    team, key = office.teams[1], office.keys[1]
    async with office.gateway.caller(key) as client:
        me = (await client.get("/v1/me")).json()["data"]
    assert me["team"] == {"id": team, "name": "research"}
    assert (me["key"]["name"], me["scopes"]) == ("k", ["lookup", "usage"])
    assert [budget["scope"] for budget in me["budgets"]] == ["team", "key"]
    for budget in me["budgets"]:
        assert (budget["period"], budget["limit"]) == ("month", "50")
        assert budget["spent"] == costs[team]
        assert (budget["reserved"], budget["in_doubt"]) == ("0", "0")
        assert Decimal(budget["remaining"]) == 50 - Decimal(costs[team])
        assert budget["resets_at"].endswith("-01T00:00:00Z")
    assert me["rate_limit"] is None
    assert key not in str(me)


async def test_me_knows_the_rate_and_the_bootstrap_key(gateway: Gateway) -> None:
    me = (await gateway.client.get("/v1/me")).json()["data"]
    assert (me["team"]["id"], me["key"]["id"], me["budgets"]) == ("default", "bootstrap", [])
    limited = await gateway.key(await gateway.team(rate_limit_per_minute=5), "lookup")
    async with gateway.caller(limited) as client:
        body = {"domain": "blue-harbor.example"}
        assert (await client.post("/v1/emails/count", json=body)).status_code == 200
        rate = (await client.get("/v1/me")).json()["data"]["rate_limit"]
    assert rate["per_minute"] == 5
    assert rate["remaining"] in (4, 5)
    assert 0 < rate["resets_in"] <= 60


async def test_a_summary_that_is_wrong_by_one_entry_is_caught(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Sum.add
    seen: Counter[str] = Counter()

    def add_twice(self: Sum, entry: Entry) -> None:
        kept(self, entry)
        if entry.cost and not seen["posted"]:
            seen["posted"] += 1
            kept(self, entry)

    monkeypatch.setattr(summaries.Sum, "add", add_twice)
    assert total(await office.rows()) != office.billed()
    seen.clear()
    with pytest.raises(AssertionError):
        await test_every_grouping_sums_to_the_bill(office)


async def test_more_entries_than_one_chunk_are_read_whole(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await pages(office.gateway.client, 100)
    monkeypatch.setattr("gateway.money.entries.CHUNK", 4)
    assert await pages(office.gateway.client, 100) == whole
    assert await pages(office.gateway.client, 3) == whole
    assert total(await office.rows()) == office.billed()
