"""The order goes by what is billed and what will be accepted, where that is not what it seems."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import product
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from gateway.lookup import bookshelf, bouncing
from gateway.lookup.course import seconds_of_call
from gateway.lookup.planning.estimation import confident, levels_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene, attempts, cost, until
from tests.gateway.lookup.supposing import HITS, explained, known, quote, suppose

PAIR = {"order": "learned", "providers": ["hunter", "snov"]}
TAKES_ALL = (500, 480, 5, 470, 5)
SURE = {"valid": "1000 60 0 0 0", "valid/9": "600 3 0 0 0", "valid/5": "400 57 0 0 0"}


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookshelf, "FRESH", 0.0)


async def planned(scene: Scene, operation: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    asked = {"operation": operation, "input": body, "routing": PAIR}
    reply = await scene.gateway.post("/v1/quote", asked)
    assert reply.status_code == 200, reply.text
    steps: list[dict[str, Any]] = reply.json()["data"]["steps"]
    return steps


async def first(scene: Scene, **routing: Any) -> str:
    return str((await quote(scene, **PAIR, **routing))["steps"][0]["provider"])


async def test_who_never_says_how_sure_it_is_is_not_asked_for_it(scene: Scene) -> None:
    """Snov.io and Sixtyfour give no confidence, which counts as 0."""
    await suppose(scene, {"hunter": {"": HITS}, "snov": {"": HITS}})
    assert await first(scene, accept={"min_confidence": 50}) == "snov", "nobody knows yet"
    for _ in range(20):
        await scene.find(scene.person(snov="valid"), providers=["snov"])
    assert (await known(scene, "snov"))["@valid"] == (20, 0, 0, 0, 0)

    async def has_learned() -> bool:
        return await first(scene, accept={"min_confidence": 50}) == "hunter"

    await until(has_learned, 2)
    assert await first(scene) == "snov"


def test_no_confidence_is_never_enough() -> None:
    cells = {"@valid": (10**6, 0, 0, 0, 0)}
    assert confident(cells, "valid", 1) == pytest.approx(0, abs=1e-4)


async def test_addresses_that_bounce_too_often_are_not_reckoned_with(scene: Scene) -> None:
    """Every other catch_all of ten bounces: what Snov.io has will not be accepted."""
    await suppose(scene, {"hunter": {"": HITS}, "snov": {"": TAKES_ALL}})
    accept: dict[str, Any] = {"statuses": ["valid", "catch_all", "unknown"]}
    assert await first(scene, accept=accept) == "snov"
    assert await first(scene, accept={"max_bounce": 0.5}) == "snov"
    assert await first(scene, accept={"max_bounce": 0.02}) == "hunter"
    person = scene.person(hunter="valid", snov="catch_all")
    reply = await scene.find(person, **PAIR, accept={"max_bounce": 0.02})
    assert attempts(reply) == [("hunter", "accepted", None)]
    assert (await explained(scene, reply))["replayed"] is True


async def test_who_is_to_be_believed_when_it_is_sure_is_not_left_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that Hunter is sure of one in two hundred bounces, of the others one in seven."""
    monkeypatch.setattr(bouncing, "FRESH", 0.0)
    await suppose(scene, {"hunter": {"": HITS}})
    for book, (path, counts) in product(("hunter", "*"), SURE.items()):
        await scene.store.call("HSET", f"{{pgw}}:live:learn:outcomes:{book}", path, counts)
    alone = {"order": "learned", "providers": ["hunter"]}
    routing = {**alone, "value": "1", "accept": {"max_bounce": 0.02}}
    reply = await scene.find(scene.person(hunter="valid"), **routing)
    assert attempts(reply) == [("hunter", "accepted", None)]


async def test_a_miss_by_address_costs_nothing_at_snov(scene: Scene) -> None:
    """As it is billed: by address only a profile that is found, by profile the question."""
    by_address = await planned(scene, "people.enrich", {"email": "ada@elsewhere.com"})
    assert [one["provider"] for one in by_address] == ["snov", "hunter"]
    assert (by_address[0]["expected_cost"], by_address[0]["worst_cost"]) == ("0.015", "0.03")
    profile = {"linkedin_url": "https://www.linkedin.com/in/ada-lovelace-of-nowhere"}
    by_profile = await planned(scene, "people.enrich", profile)
    assert [one["provider"] for one in by_profile] == ["hunter", "snov"]
    assert by_profile[1]["expected_cost"] == "0.03"


async def suppose_verdicts(scene: Scene, unknown: Mapping[str, int]) -> None:
    """Of a hundred thousand verdicts of each so many thousands are none."""
    for provider, share in unknown.items():
        counts = f"100000 100000 {1000 * (100 - share)} 0 {1000 * share}"
        book = f"{{pgw}}:live:learn:emails.verify:{provider}"
        for level in levels_of("-/com..p/"):
            await scene.store.call("HSET", book, level, counts)

    async def has_read() -> bool:
        found = await planned(scene, "emails.verify", {"email": "ada@elsewhere.com"})
        return bool(found[0]["seen"])

    await until(has_read)


async def test_a_verdict_that_is_none_costs_nothing_at_hunter(scene: Scene) -> None:
    """Hunter takes 0.0245 for a verdict, Snov.io 0.03 for the question."""
    await suppose_verdicts(scene, {"hunter": 30, "snov": 5})
    found = await planned(scene, "emails.verify", {"email": "ada@elsewhere.com"})
    assert [one["provider"] for one in found] == ["hunter", "snov"]
    prices = [float(one["cost_per_accepted"]) for one in found]
    assert prices == pytest.approx([0.0245, 0.03 / 0.95], rel=1e-3)
    assert float(found[0]["expected_cost"]) == pytest.approx(0.7 * 0.0245, rel=1e-3)


async def test_a_price_of_nothing_is_a_price(start_scene: StartScene, scene: Scene) -> None:
    """As of a plan at a flat rate; of whom nobody knows a price it says nothing."""
    providers = dict(scene.gateway.settings.providers)
    free = {"emails.find": Decimal(0)}
    providers["snov"] = msgspec.structs.replace(providers["snov"], prices=free)
    cheaper = await start_scene(providers=providers)
    assert await first(scene) == "hunter"
    assert await first(cheaper) == "snov"
    step = (await quote(cheaper, **PAIR))["steps"][0]
    assert (step["expected_cost"], step["cost_per_accepted"]) == ("0", "0")
    reply = await cheaper.find(cheaper.person(snov="valid"), **PAIR)
    assert attempts(reply) == [("snov", "accepted", None)]
    assert cost(reply) == 0
    [entry] = (await cheaper.gateway.client.get("/v1/admin/ledger")).json()["data"]
    assert not entry.get("unpriced")


async def test_no_more_is_expected_to_be_spent_than_may_be(scene: Scene) -> None:
    """Answers that nobody accepts are paid for until there is no money left for another."""
    await suppose(scene, {"hunter": {"": TAKES_ALL}, "sixtyfour": {"": TAKES_ALL}})
    asked: dict[str, Any] = {"order": "learned", "providers": ["hunter", "sixtyfour"]}
    found = await quote(scene, **asked, max_cost="0.05")
    assert Decimal(found["expected_cost"]) <= Decimal(found["worst_cost"]) == Decimal("0.05")


async def test_no_lookup_costs_more_than_was_quoted(scene: Scene) -> None:
    """There is no money for both, but one that fails costs nothing."""
    routing: dict[str, Any] = {"order": "listed", "providers": ["snov", "hunter"]}
    quoted = await quote(scene, **routing, max_cost="0.05")
    assert [one["provider"] for one in quoted["steps"]] == ["snov"]
    scene.fault("snov", "status", status=500)
    reply = await scene.find(scene.person(hunter="valid"), **routing, max_cost="0.05")
    assert attempts(reply) == [("snov", "failed", "unavailable"), ("hunter", "accepted", None)]
    assert cost(reply) <= Decimal(quoted["worst_cost"]) <= Decimal("0.05")


async def test_no_more_rows_are_expected_than_were_asked_for(
    scene: Scene, start_scene: StartScene
) -> None:
    """What is known is of long pages, of eighty rows each."""
    providers = dict(scene.gateway.settings.providers)
    dear = {"contacts.search": Decimal("0.01")}
    providers["letrics"] = msgspec.structs.replace(providers["letrics"], prices=dear)
    book = "{pgw}:live:learn:contacts.search:letrics"
    for cell, counts in (("", "500 500 500 0 0"), ("@pace", "500 0 500 40000 0")):
        await scene.store.call("HSET", book, cell, counts)
    priced = await start_scene(providers=providers)
    asked = {"operation": "contacts.search", "input": {"job_titles": ["CEO"], "limit": 10}}
    found = (await priced.gateway.post("/v1/quote", asked)).json()["data"]
    assert Decimal(found["expected_cost"]) <= Decimal(found["worst_cost"]) == Decimal("0.1")


async def test_a_page_is_paid_by_the_rows_that_pages_use_to_have(scene: Scene) -> None:
    """Hunter takes a credit for ten of them, and has five of most domains."""
    body = {"domain": "elsewhere.com", "limit": 100}

    async def hunters() -> dict[str, Any]:
        found = await planned(scene, "domains.search", body)
        return next(one for one in found if one["provider"] == "hunter")

    half = await hunters()
    assert (half["expected_cost"], half["worst_cost"]) == ("0.1225", "0.49"), "nobody knows yet"
    book = "{pgw}:live:learn:domains.search:hunter"
    for cell, counts in (("", "9000 9000 9000 0 0"), ("@pace", "9000 0 9000 45000 0")):
        await scene.store.call("HSET", book, cell, counts)

    async def has_read() -> bool:
        return 0.048 < float((await hunters())["expected_cost"]) <= 0.049

    await until(has_read, 2)
    assert (await hunters())["worst_cost"] == "0.49"


@pytest.mark.parametrize(
    "bulk, replied, took, upstream, seconds",
    [
        (False, 0.2, 1.0, 9.0, 9.0),
        (True, 0.2, 1.0, 90.0, 1.2),
        (True, 0.0, 40.0, 0.1, 40.0),
        (True, 0.0, 0.0, 0.3, 0.3),
    ],
)
def test_the_turn_that_a_row_waits_for_is_not_its_providers_time(
    bulk: bool, replied: float, took: float, upstream: float, seconds: float
) -> None:
    lookup = SimpleNamespace(head=SimpleNamespace(bulk=bulk))
    call: Any = SimpleNamespace(lookup=lookup, replied=replied, took=took)
    called: Any = SimpleNamespace(upstream=upstream)
    assert seconds_of_call(call, called) == pytest.approx(seconds)
