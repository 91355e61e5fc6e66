"""Default routing through the API, and lists that page."""

from __future__ import annotations

from typing import Any

from gateway.settings import PROVIDERS
from providers.model import OPERATIONS
from tests.gateway.api.replies import eventually, pointers, problem_of
from tests.gateway.conftest import Gateway, GatewayFactory

ROUTES = "/v1/admin/routes"
FIND = "/v1/emails/find"
VERIFY = "/v1/emails/verify"
BREAKERS = "/v1/admin/providers/hunter/breakers"
LISTS = (
    "/v1/admin/teams",
    "/v1/admin/keys",
    "/v1/admin/credentials",
    "/v1/jobs",
    "/v1/providers",
    ROUTES,
    BREAKERS,
)
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
ADDRESS = {"email": "ada.lovelace@blue-harbor.example"}


async def test_every_operation_has_a_route(gateway: Gateway) -> None:
    rows = (await gateway.client.get(ROUTES)).json()["data"]
    assert [row["operation"] for row in rows] == list(OPERATIONS)
    found = (await gateway.client.get(f"{ROUTES}/emails.find")).json()["data"]
    assert found == rows[0]
    assert found == {
        "operation": "emails.find",
        "team_id": None,
        "providers": ["hunter", "snov", "sixtyfour"],
        "order": "listed",
        "accept": {"statuses": ["valid"], "min_confidence": 0},
        "verify": "never",
        "max_cost": None,
        "value": None,
        "wait_price": None,
        "max_age": 2592000,
        "timeout": None,
    }


async def test_a_route_holds_at_once_and_a_team_has_its_own(gateway: Gateway) -> None:
    team = await gateway.team()
    put = await gateway.client.put(f"{ROUTES}/emails.verify", json={"providers": ["snov"]})
    assert (put.status_code, put.json()["data"]["providers"]) == (200, ["snov"])
    mine = await gateway.client.put(
        f"{ROUTES}/emails.verify?team_id={team}", json={"max_cost": "0.001"}
    )
    assert mine.json()["data"]["team_id"] == team
    assert mine.json()["data"]["providers"] == ["snov"], "what the team leaves out is inherited"
    ours = await gateway.post(VERIFY, ADDRESS)
    assert [item["provider"] for item in ours.json()["meta"]["attempts"]] == ["snov"]
    async with gateway.caller(await gateway.key(team)) as client:
        other = {**ADDRESS, "email": "eve@blue-harbor.example"}
        problem = problem_of(await client.post(VERIFY, json=other), 402, "budget_exhausted")
        assert problem["errors"][0]["budget"] == "max_cost"
        paid = await client.post(VERIFY, json={**other, "routing": {"max_cost": "1"}})
        assert paid.status_code == 200, "the call's own routing comes first"
    shown = await gateway.client.get(f"{ROUTES}/emails.verify?team_id={team}")
    assert shown.json()["data"]["max_cost"] == "0.001"
    unset = await gateway.client.put(f"{ROUTES}/emails.verify", json={})
    assert unset.json()["data"]["providers"] == ["hunter", "snov"]


async def test_a_route_read_is_a_route_to_write(gateway: Gateway) -> None:
    team = await gateway.team()
    for operation in OPERATIONS:
        for path in (f"{ROUTES}/{operation}", f"{ROUTES}/{operation}?team_id={team}"):
            read = (await gateway.client.get(path)).json()["data"]
            put = await gateway.client.put(path, json=read)
            assert (put.status_code, put.json().get("data")) == (200, read), put.text
    path = f"{ROUTES}/emails.find"
    await gateway.client.put(path, json={"timeout": 5, "providers": ["snov"]})
    nulls = {"timeout": None, "providers": None, "team_id": None}
    cleared = (await gateway.client.put(path, json=nulls)).json()["data"]
    assert cleared["timeout"] is None
    assert cleared["providers"] == ["hunter", "snov", "sixtyfour"]
    call = {**PERSON, "tag": None, "routing": {"providers": None, "timeout": None}}
    assert (await gateway.post(FIND, call)).status_code == 200


async def test_a_route_holds_in_another_process(start_gateway: GatewayFactory) -> None:
    here, there = await start_gateway(), await start_gateway()
    await here.client.put(f"{ROUTES}/emails.verify", json={"max_age": 0})
    path = f"{ROUTES}/emails.verify"

    async def arrived() -> bool:
        return bool((await there.client.get(path)).json()["data"]["max_age"] == 0)

    assert await eventually(arrived) < 1


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"providers": ["hunter", "nobody"]}, "/providers/1"),
    ({"providers": []}, "/providers"),
    ({"order": "fastest"}, "/order"),
    ({"accept": {"statuses": []}}, "/accept/statuses"),
    ({"accept": {"statuses": ["valid"], "x": 1}}, "/accept/x"),
    ({"max_cost": 1}, "/max_cost"),
    ({"value": 0.1}, "/value"),
    ({"wait_price": "-1"}, "/wait_price"),
    ({"max_age": 10**9 + 1}, "/max_age"),
    ({"timeout": 86_401}, "/timeout"),
    ({"operation": "emails.verify"}, "/operation"),
    ({"team_id": "default"}, "/team_id"),
]


async def test_a_wrong_route_is_refused(gateway: Gateway) -> None:
    path = f"{ROUTES}/emails.find"
    for body, pointer in WRONG:
        assert pointers(await gateway.client.put(path, json=body)) == [pointer], body
    for operation in ("emails.guess", "emails.find|default", "Emails.Find"):
        problem_of(await gateway.client.get(f"{ROUTES}/{operation}"), 404, "not_found")
        put = await gateway.client.put(f"{ROUTES}/{operation}", json={})
        problem_of(put, 404, "not_found")
    problem_of(await gateway.client.get(f"{path}?team_id=nobody"), 404, "not_found")
    problem_of(await gateway.client.put(f"{path}?team_id=nobody", json={}), 404, "not_found")
    assert pointers(await gateway.client.get(f"{path}?team_id={'t' * 65}")) == ["/team_id"]


async def walk(gateway: Gateway, path: str, limit: int, name: str = "id") -> list[str]:
    """What all pages have of it, in order; ids if nothing is said."""
    seen: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        reply = await gateway.client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        assert len(page["data"]) <= limit
        seen += [row[name] for row in page["data"]]
        if page["meta"]["next_cursor"] is None:
            return seen
        query["cursor"] = page["meta"]["next_cursor"]


async def test_lists_page_through_everything_once(gateway: Gateway) -> None:
    teams = [await gateway.team(f"team {number}") for number in range(7)]
    for _ in range(5):
        await gateway.key()
    jobs = [await gateway.post(FIND, PERSON, prefer="respond-async") for _ in range(5)]
    expected = {
        "/v1/admin/teams": {"default", *teams},
        "/v1/admin/credentials": {f"env-{name}" for name in PROVIDERS},
        "/v1/jobs": {job.json()["data"]["id"] for job in jobs},
    }  # fmt: skip
    for path, ids in expected.items():
        for limit in (1, 3, len(ids), 100):
            seen = await walk(gateway, path, limit)
            assert len(seen) == len(ids), (path, limit)
            assert set(seen) == ids
    assert len(await walk(gateway, "/v1/admin/keys", 2)) == 5
    meta = (await gateway.client.get("/v1/admin/teams?limit=2")).json()["meta"]
    assert meta["total"] == 8


async def test_short_lists_have_pages_too(gateway: Gateway) -> None:
    for path, name in (
        ("/v1/providers", "name"),
        (ROUTES, "operation"),
        (BREAKERS, "operation"),
    ):
        whole = await walk(gateway, path, 100, name)
        assert len(whole) == len(set(whole)) > 3
        for limit in (1, 3):
            assert await walk(gateway, path, limit, name) == whole
        reply = await gateway.client.get(path)
        assert [row[name] for row in reply.json()["data"]] == whole[:25]
        assert reply.json()["meta"]["total"] == len(whole)
    forced = await gateway.client.put(BREAKERS, json={"state": "auto"})
    assert forced.json()["meta"]["next_cursor"] is None


async def test_a_list_refuses_what_it_does_not_understand(gateway: Gateway) -> None:
    for _ in range(2):
        await gateway.team()
    reply = await gateway.client.get("/v1/admin/teams?limit=1")
    cursor = reply.json()["meta"]["next_cursor"]
    for path in LISTS:
        for limit in ("0", "101", "-1", "1.5", "many", "", "9" * 30):
            reply = await gateway.client.get(path, params={"limit": limit})
            assert pointers(reply) == ["/limit"], (path, limit)
        for bad in ("x", "", cursor[:-2], "A" + cursor[1:], cursor + "!", "é", "a" * 5000):
            reply = await gateway.client.get(path, params={"cursor": bad})
            if (path, bad) == ("/v1/admin/teams", cursor + "!"):
                continue
            assert pointers(reply) == ["/cursor"], (path, bad)
    problem_of(
        await gateway.client.get("/v1/jobs", params={"cursor": cursor}), 422, "invalid_query"
    )
    other = await gateway.key(await gateway.team(), "admin")
    async with gateway.caller(other) as stranger:
        reply = await stranger.get("/v1/admin/teams", params={"cursor": cursor})
        assert pointers(reply) == ["/cursor"]
