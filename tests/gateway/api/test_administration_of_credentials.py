"""Providers' credentials through the API: in they go, out they never come."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.store.connection import Store
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import eventually, pointers, problem_of
from tests.gateway.conftest import SECRETS, Gateway, GatewayFactory

PATH = "/v1/admin/credentials"
VERIFY = "/v1/emails/verify"
ADDRESS = {"email": "ada.lovelace@blue-harbor.example", "routing": {"providers": ["hunter"]}}
HUNTER = {"provider": "hunter", "name": "main", "secret": SECRETS["hunter"]}


async def test_a_credential_lives_and_dies(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(only=())
    problem_of(await gateway.post(VERIFY, ADDRESS), 503, "no_provider_configured")
    more = {
        "weight": 5,
        "team_ids": ["default"],
        "exclusive": True,
        "prices": {"emails.verify": "0.5", "email-finder": "1"},
        "limits": {"units_month": 1000, "per_second": 9},
    }
    made = await gateway.post(PATH, {**HUNTER, **more})
    assert made.status_code == 201, made.text
    data = made.json()["data"]
    assert {name: data[name] for name in more} == more
    assert "secret" not in data
    assert "notice" not in made.json()["meta"]
    path = f"{PATH}/{data['id']}"
    assert (await gateway.client.get(path)).json()["data"] == data
    assert (await gateway.client.get(PATH)).json()["data"] == [data]
    bought = await gateway.post(VERIFY, ADDRESS)
    assert bought.json()["meta"]["cost"] == "0.5", bought.text
    off = await gateway.client.patch(path, json={"enabled": False})
    assert off.json()["data"]["enabled"] is False
    fresh = {**ADDRESS, "email": "eve@blue-harbor.example"}
    problem_of(await gateway.post(VERIFY, fresh), 503, "no_provider_configured")
    assert (await gateway.client.delete(path)).status_code == 204
    for method in ("GET", "DELETE"):
        problem_of(await gateway.client.request(method, path), 404, "not_found")
    problem_of(await gateway.client.patch(path, json={}), 404, "not_found")


@pytest.mark.parametrize("provider", list(SECRETS))
async def test_each_provider_has_its_own_members_of_a_secret(
    start_gateway: GatewayFactory, provider: str
) -> None:
    gateway = await start_gateway(only=())
    body = {"provider": provider, "name": "n", "secret": SECRETS[provider]}
    assert (await gateway.post(PATH, body)).status_code == 201
    wrong: list[dict[str, Any]] = [{"password": "x"}, {**SECRETS[provider], "more": "x"}]
    if len(SECRETS[provider]) > 1:
        wrong.append(dict(list(SECRETS[provider].items())[:1]))
    for secret in wrong:
        reply = await gateway.post(PATH, {**body, "secret": secret})
        assert pointers(reply) == ["/secret"]
        assert all(name in reply.json()["detail"] for name in SECRETS[provider])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"provider": "nobody"}, "/provider"),
    ({"provider": 5}, "/provider"),
    ({"name": ""}, "/name"),
    ({"secret": {}}, "/secret"),
    ({"secret": "sim-hunter-key"}, "/secret"),
    ({"secret": {"api_key": ""}}, "/secret"),
    ({"secret": {"api_key": "k" * 4097}}, "/secret"),
    ({"weight": -1}, "/weight"),
    ({"weight": 1.5}, "/weight"),
    ({"enabled": "yes"}, "/enabled"),
    ({"exclusive": 1}, "/exclusive"),
    ({"prices": {"email.find": "1"}}, "/prices/email.find"),
    ({"prices": {"a/../b": "1"}}, "/prices/a~1..~1b"),
    ({"prices": {"emails.find": 1}}, "/prices"),
    ({"limits": {"per_week": 1}}, "/limits"),
    ({"limits": {"per_day": -1}}, "/limits"),
    ({"limits": {"units_day": 0, "per_second": 0}}, "/limits/per_second"),
    ({"limits": {"concurrency": 0}}, "/limits/concurrency"),
    ({"team_ids": "default"}, "/team_ids"),
    ({"team_ids": ["default", "team_0"]}, "/team_ids/1"),
    ({"name": "a\nb"}, "/name"),
    ({"name": " "}, "/name"),
    ({"secret": {"api_key": "sim-hunter-key\r\nx-a: b"}}, "/secret/api_key"),
    ({"secret": {"api_key": "sim-hunter-key\x85"}}, "/secret/api_key"),
    ({"secret": {"api_key": "sim-hunter-key\u2026"}}, "/secret/api_key"),
    ({"base_url": "http://127.0.0.1"}, "/base_url"),
]


async def test_a_wrong_credential_is_422_and_not_repeated(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(only=())
    for change, pointer in WRONG:
        reply = await gateway.post(PATH, {**HUNTER, **change})
        assert pointers(reply) == [pointer], (change, reply.text)
        assert "sim-hunter-key" not in reply.text
    assert (await gateway.client.get(PATH)).json()["data"] == []


async def test_a_change_is_checked_like_a_new_credential(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(only=())
    made = (await gateway.post(PATH, HUNTER)).json()["data"]
    path = f"{PATH}/{made['id']}"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"team_ids": ["team_0"]}, "/team_ids/0"),
        ({"name": "\x00"}, "/name"),
        ({"secret": {"api_key": "sim\tkey"}}, "/secret/api_key"),
    ]
    for change, pointer in wrong:
        assert pointers(await gateway.client.patch(path, json=change)) == [pointer], change
    assert (await gateway.client.get(path)).json()["data"] == made


async def test_a_name_is_given_once_per_provider(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(only=())
    first = (await gateway.post(PATH, HUNTER)).json()["data"]
    problem_of(await gateway.post(PATH, HUNTER), 409, "conflict")
    problem_of(await gateway.post(PATH, {**HUNTER, "name": "env"}), 409, "conflict")
    letrics = {"provider": "letrics", "name": "main", "secret": SECRETS["letrics"]}
    assert (await gateway.post(PATH, letrics)).status_code == 201
    other = (await gateway.post(PATH, {**HUNTER, "name": "other"})).json()["data"]
    for name, status in (("main", 409), ("env", 409), ("other", 200), ("third", 200)):
        reply = await gateway.client.patch(f"{PATH}/{other['id']}", json={"name": name})
        assert reply.status_code == status, name
    assert (await gateway.client.delete(f"{PATH}/{first['id']}")).status_code == 204
    assert (await gateway.post(PATH, HUNTER)).status_code == 201


async def test_a_team_has_a_name_of_its_own(gateway: Gateway) -> None:
    teams = "/v1/admin/teams"
    first, second = await gateway.team("first"), await gateway.team("second")
    problem_of(await gateway.post(teams, {"name": "first"}), 409, "conflict")
    taken = await gateway.client.patch(f"{teams}/{second}", json={"name": "first"})
    problem_of(taken, 409, "conflict")
    kept = await gateway.client.patch(f"{teams}/{first}", json={"name": "first"})
    assert kept.status_code == 200
    for name in ("a\x1b[31m", "\u2028", " "):
        assert pointers(await gateway.post(teams, {"name": name})) == ["/name"]
        changed = await gateway.client.patch(f"{teams}/{first}", json={"name": name})
        assert pointers(changed) == ["/name"]


async def test_a_credential_of_the_configuration_is_changed_there(gateway: Gateway) -> None:
    shown = await gateway.client.get(f"{PATH}/env-hunter")
    assert (shown.json()["data"]["name"], shown.json()["data"]["created_at"]) == ("env", None)
    assert SECRETS["hunter"]["api_key"] not in shown.text
    for method, body in (("PATCH", {"enabled": False}), ("DELETE", None)):
        reply = await gateway.client.request(method, f"{PATH}/env-hunter", json=body)
        problem_of(reply, 409, "conflict")
    assert len((await gateway.client.get(PATH)).json()["data"]) == 4


async def test_a_new_credential_serves_in_every_process(start_gateway: GatewayFactory) -> None:
    here, there = await start_gateway(only=()), await start_gateway(only=())
    fresh = {**ADDRESS, "routing": {"providers": ["hunter"], "max_age": 0}}

    async def serves() -> bool:
        return (await there.post(VERIFY, fresh)).status_code == 200

    async def refuses() -> bool:
        return not await serves()

    made = await here.post(PATH, HUNTER)
    assert await eventually(serves) < 1
    await here.client.delete(f"{PATH}/{made.json()['data']['id']}")
    assert await eventually(refuses) < 1


async def test_a_changed_secret_is_used_at_once(
    start_gateway: GatewayFactory, simulator: RunningSimulator
) -> None:
    gateway = await start_gateway(only=())
    made = await gateway.post(PATH, {**HUNTER, "secret": {"api_key": "a-wrong-key"}})
    refused = await gateway.post(VERIFY, ADDRESS)
    assert refused.json()["attempts"][0]["reason"] == "authentication_failed", refused.text
    path = f"{PATH}/{made.json()['data']['id']}"
    await gateway.client.patch(path, json={"secret": SECRETS["hunter"]})
    assert (await gateway.post(VERIFY, ADDRESS)).status_code == 200
    assert len(simulator.bill.rows) == 1


async def test_a_stored_credential_follows_the_configured_address(
    start_gateway: GatewayFactory, simulator: RunningSimulator
) -> None:
    """Made when the provider's address was another, it is used at the one of today."""
    elsewhere = await start_gateway(only=())
    providers = dict(elsewhere.settings.providers)
    moved = await start_gateway(
        providers={
            name: type(one)(base_url="http://127.0.0.1:9") for name, one in providers.items()
        }
    )
    assert (await moved.post(PATH, HUNTER)).status_code == 201
    here = await start_gateway(only=())
    assert (await here.post(VERIFY, ADDRESS)).status_code == 200
    assert len(simulator.bill.rows) == 1


async def test_a_credential_of_no_weight_is_used_by_those_who_have_no_other(
    start_gateway: GatewayFactory,
) -> None:
    gateway = await start_gateway(only=())
    team = await gateway.team()
    price = {"prices": {"emails.verify": "0.1"}, "weight": 0}
    dear = {"prices": {"emails.verify": "0.7"}, "weight": 9, "team_ids": [team], "name": "dear"}
    for more in (price, dear):
        assert (await gateway.post(PATH, {**HUNTER, **more})).status_code == 201
    async with gateway.caller(await gateway.key(team)) as client:
        theirs = await client.post(VERIFY, json=ADDRESS)
    ours = await gateway.post(VERIFY, ADDRESS)
    assert theirs.json()["meta"]["cost"] == "0.7"
    assert ours.json()["meta"]["cost"] == "0.1", "what the team's account bought stays there"


async def test_a_sandbox_keeps_a_credential_for_the_next_start(
    start_gateway: GatewayFactory,
) -> None:
    sandbox = await start_gateway(sandbox=True)
    made = await sandbox.post(PATH, {**HUNTER, "secret": {"api_key": "of-a-real-account"}})
    assert made.status_code == 201
    assert "next start" in made.json()["meta"]["notice"]
    listed = (await sandbox.client.get(PATH)).json()["data"]
    assert made.json()["data"] in listed
    assert (await sandbox.post(VERIFY, ADDRESS)).status_code == 200, "still the simulated account"
    live = await start_gateway(only=())
    assert (await live.client.get(PATH)).json()["data"] == [made.json()["data"]]


async def test_a_credential_of_a_lost_master_key_can_only_be_deleted(
    start_gateway: GatewayFactory, store: Store
) -> None:
    gateway = await start_gateway(only=())
    made = (await gateway.post(PATH, HUNTER)).json()["data"]
    key = f"{{pgw}}:credential:{made['id']}"
    sealed: bytes = await store.call("HGET", key, "sealed")
    await store.call("HSET", key, "sealed", b"00000000" + sealed[8:])
    problem_of(await gateway.client.patch(f"{PATH}/{made['id']}", json={}), 409, "conflict")
    assert (await gateway.client.delete(f"{PATH}/{made['id']}")).status_code == 204
