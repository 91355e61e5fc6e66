"""Headers and envelope of a lookup that went well."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from gateway.api.preferences import wait_of
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import pointers
from tests.gateway.conftest import Gateway, GatewayFactory

FIND = "/v1/emails/find"
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}


async def test_a_good_request_id_is_kept_and_a_bad_one_replaced(gateway: Gateway) -> None:
    for given, kept in {
        "a": True,
        "A-b_c.9": True,
        "x" * 128: True,
        "x" * 129: False,
        "two words": False,
        "a/b": False,
        "": False,
    }.items():
        for path in ("/v1/providers", "/livez", "/nothing"):
            reply = await gateway.client.get(path, headers={"x-request-id": given})
            found = reply.headers["x-request-id"]
            assert (found == given) is kept, (given, path)
            assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", found)
            if path != "/livez":
                body = reply.json()
                assert body.get("request_id", body.get("meta", {}).get("request_id")) == found


async def test_request_ids_never_repeat(gateway: Gateway) -> None:
    seen = {(await gateway.client.get("/livez")).headers["x-request-id"] for _ in range(20)}
    assert len(seen) == 20


async def test_headers_tell_who_answered_at_what_cost(gateway: Gateway) -> None:
    miss = await gateway.post(FIND, PERSON)
    hit = await gateway.post(FIND, PERSON)
    bypass = await gateway.post(FIND, {**PERSON, "routing": {"max_age": 0}})
    words = [reply.headers["x-gateway-cache"] for reply in (miss, hit, bypass)]
    assert words == ["miss", "hit", "bypass"]
    for reply in (miss, hit, bypass):
        meta = reply.json()["meta"]
        assert reply.headers["x-gateway-provider"] == meta["provider"] == "hunter"
        assert Decimal(reply.headers["x-gateway-cost"]) == Decimal(meta["cost"])
        assert re.fullmatch(
            r"upstream;dur=\d+\.\d+, gateway;dur=\d+\.\d+", reply.headers["server-timing"]
        )
        assert re.fullmatch(r'"process";r=\d+;t=\d+', reply.headers["ratelimit"])
        assert re.fullmatch(r'"process";q=\d+;w=60', reply.headers["ratelimit-policy"])
        assert reply.headers["content-type"] == "application/json"
    assert hit.headers["server-timing"].startswith("upstream;dur=0.0,")


async def test_an_empty_answer_from_the_cache_is_a_hit(gateway: Gateway) -> None:
    body = {"full_name": "Nobody Atall", "domain": "blue-harbor.example",
            "routing": {"providers": ["hunter"]}}  # fmt: skip
    words = [(await gateway.post(FIND, body)).headers["x-gateway-cache"] for _ in range(2)]
    assert words == ["miss", "hit"]


async def test_raw_replies_come_when_asked_for(gateway: Gateway) -> None:
    plain = await gateway.post(FIND, PERSON)
    assert "raw" not in plain.json()["meta"]
    for query in ("include=raw", "include=raw,raw", "include=&include=raw"):
        reply = await gateway.post(f"{FIND}?{query}", PERSON)
        raw = reply.json()["meta"]["raw"]
        assert raw["hunter"]["data"]["email"] == reply.json()["data"]["email"]
    assert pointers(await gateway.post(f"{FIND}?include=cooked", PERSON)) == ["/include"]


async def test_the_number_of_addresses_by_get_and_by_post(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    posted = await gateway.post("/v1/emails/count", {"domain": "blue-harbor.example"})
    assert posted.status_code == 200, posted.text
    for spelling in ("blue-harbor.example", "WWW.Blue-Harbor.EXAMPLE", "blue%2Dharbor.example"):
        got = await gateway.client.get(f"/v1/domains/{spelling}/email-count")
        assert got.json()["data"]["total"] == posted.json()["data"]["total"]
        assert got.headers["x-gateway-cache"] == "hit", "the same question"
    path = "/v1/domains/blue-harbor.example/email-count"
    role = await gateway.client.get(path, params={"address_type": "role"})
    assert role.status_code == 200, role.text
    assert role.headers["x-gateway-cache"] == "miss", "another question"
    assert pointers(await gateway.client.get(path, params={"address_type": "x"})) == [
        "/address_type"
    ]
    for domain in ("nonsense", "a..b", "a." * 200 + "example", "-.example"):
        reply = await gateway.client.get(f"/v1/domains/{domain}/email-count")
        assert pointers(reply) == ["/domain"], domain


@pytest.mark.parametrize(
    "prefer, seconds",
    [
        ("", 20),
        ("respond-async", 0),
        ("Respond-Async", 0),
        ("wait=5", 5),
        ("Wait = 5", 5),
        ('wait="5"', 5),
        ("wait=0", 0),
        ("wait=61", 60),
        ("wait=999999999", 60),
        ("wait=-1", 20),
        ("wait=1.5", 20),
        ("wait=soon", 20),
        ("wait=" + "9" * 5000, 20),
        ("respond-async, wait=5", 5),
        ("wait=5, respond-async", 5),
        ("wait=3, wait=9", 3),
        ("no-wait=3", 20),
        ("dont-respond-async", 20),
        ("return=minimal; foo=1, wait=7; bar", 7),
        (",,;=,", 20),
    ],
)
def test_preferences_are_read_as_rfc_7240_has_them(prefer: str, seconds: float) -> None:
    assert wait_of(prefer) == seconds


async def test_several_prefer_headers_are_one(gateway: Gateway) -> None:
    headers = [("prefer", "return=minimal"), ("prefer", "respond-async")]
    request = gateway.client.build_request("POST", FIND, json=PERSON, headers=headers)
    reply = await gateway.client.send(request)
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == f"/v1/jobs/{reply.json()['data']['id']}"
    assert set(reply.headers) >= {"ratelimit", "ratelimit-policy", "x-request-id"}


async def test_every_reply_of_a_sandbox_says_so(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(sandbox=True)
    job = await gateway.post(FIND, PERSON, prefer="respond-async")
    team = await gateway.team()
    replies = [job, await gateway.post(FIND, {**PERSON, "full_name": "Nobody Atall"})]
    paths = (
        "/v1/providers",
        "/v1/providers/hunter",
        "/v1/jobs",
        job.headers["location"],
        "/v1/admin/teams",
        f"/v1/admin/teams/{team}",
        "/v1/admin/keys",
        "/v1/admin/credentials",
        "/v1/admin/routes",
        "/v1/admin/routes/emails.find",
    )
    replies += [await gateway.client.get(path) for path in paths]
    for reply in replies:
        assert reply.status_code in (200, 202), reply.text
        assert reply.json()["meta"]["sandbox"] is True, reply.url


async def test_outside_the_sandbox_nothing_speaks_of_it(gateway: Gateway) -> None:
    for reply in (
        await gateway.post(FIND, PERSON),
        await gateway.client.get("/v1/providers"),
        await gateway.client.get("/v1/admin/teams"),
    ):
        assert "sandbox" not in reply.json()["meta"]


async def test_a_quote_takes_a_tag_like_every_lookup(gateway: Gateway) -> None:
    body = {"operation": "emails.find", "input": PERSON, "tag": "t"}
    assert (await gateway.post("/v1/quote", body)).status_code == 200
    assert pointers(await gateway.post("/v1/quote", {**body, "tag": "t" * 65})) == ["/tag"]
