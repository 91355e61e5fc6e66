"""Every endpoint of the table answers, charges what it says, and can be broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.simulator.app import DIALECTS
from providers.simulator.dialect import Section
from providers.simulator.endpoints import BY_PROVIDER, ENDPOINTS, Endpoint
from providers.simulator.faults import Fault
from providers.simulator.hunter.lookups import sources
from providers.simulator.samples import EMAIL, SAMPLES, prepare, sample_of
from providers.simulator.stage import Stage
from providers.simulator.testing import RunningSimulator
from providers.simulator.world import World
from tests.providers.simulator.walking import Walker, holds

EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.provider} {e.name}")
SENT = [e for e in ENDPOINTS if sample_of(e).body is not None and e.alias_of is None]
WITH_BODY = [e for e in ENDPOINTS if e.decisive is not None]


@pytest.fixture
def walker(simulator: RunningSimulator, client: httpx.AsyncClient) -> Walker:
    return Walker(simulator, client)


def test_the_table_names_each_endpoint_once_with_its_source() -> None:
    counts = Counter((endpoint.provider, endpoint.name) for endpoint in ENDPOINTS)
    assert set(counts.values()) == {1}
    assert all(endpoint.source.strip() for endpoint in ENDPOINTS)
    assert {e.provider: 0 for e in ENDPOINTS} == dict.fromkeys(BY_PROVIDER, 0)
    assert all((e.meter is None) is (e.charge == "free") for e in ENDPOINTS)


@pytest.mark.parametrize("provider, least", [("hunter", 70), ("snov", 48), ("sixtyfour", 9)])
def test_no_provider_has_fewer_endpoints_than_its_documents(provider: str, least: int) -> None:
    assert len(BY_PROVIDER[provider]) >= least


def test_handlers_samples_and_table_are_the_same_endpoints(world: World) -> None:
    for kind in DIALECTS:
        dialect = kind(Stage(world))
        sections: list[Section] = [section(dialect) for section in kind.sections]
        handled = [name for section in sections for name in section.handlers()]
        named = [e.name for e in BY_PROVIDER[kind.name] if e.alias_of is None]
        assert sorted(handled) == sorted(named)
        assert sorted(SAMPLES[kind.name]) == sorted(named)


def test_keys_secrets_and_members_are_marked() -> None:
    marked = {(e.provider, e.path.split("/")[1]) for e in ENDPOINTS if e.secret}
    assert marked == {("hunter", "api-keys"), ("hunter", "team"), ("sixtyfour", "webhooks")}


@EVERY
async def test_it_answers_its_sample_and_charges_what_the_table_says(
    walker: Walker, endpoint: Endpoint
) -> None:
    earlier = await walker.prepare(endpoint)
    refused = await walker.call(endpoint, earlier, keys=False)
    assert (refused.status_code == 401) is not endpoint.open
    before = len(walker.simulator.bill.rows)
    answer = await walker.call(endpoint, earlier)
    assert answer.status_code == endpoint.status
    rows = walker.simulator.bill.rows[before:]
    published = not endpoint.path.endswith("/found") or bool(sources(EMAIL, ""))
    assert {row.meter for row in rows} <= {endpoint.meter}
    assert bool(rows) is (endpoint.meter is not None and published)
    if endpoint.status == 204:
        assert answer.content == b""
        assert "content-length" not in answer.headers
    elif endpoint.decisive is not None:
        assert holds(answer.json(), endpoint.decisive)


@EVERY
async def test_faults_apply_to_it(walker: Walker, endpoint: Endpoint) -> None:
    faults, provider = walker.simulator.faults, endpoint.provider
    earlier = await walker.prepare(endpoint)
    faults.put(Fault(provider=provider, kind="status", status=503, retry_after=7))
    answer = await walker.call(endpoint, earlier)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    faults.clear()
    faults.put(Fault(provider=provider, kind="html"))
    answer = await walker.call(endpoint, earlier)
    assert answer.headers["content-type"].startswith("text/html")
    faults.clear()
    if endpoint.word is not None:
        faults.put(Fault(provider=provider, kind="unknown_word"))
        assert '"sideways"' in (await walker.call(endpoint, earlier)).text


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=lambda e: f"{e.provider} {e.name}")
async def test_its_decisive_field_can_be_renamed(walker: Walker, endpoint: Endpoint) -> None:
    assert endpoint.decisive is not None
    earlier = await walker.prepare(endpoint)
    walker.simulator.faults.put(Fault(provider=endpoint.provider, kind="rename_field"))
    payload = (await walker.call(endpoint, earlier)).json()
    assert holds(payload, f"new_{endpoint.decisive}")
    assert not holds(payload, endpoint.decisive)


ODD: tuple[Any, ...] = ([], {}, None, 1, "é", [{}], {"include": [1]})


def spoilt(body: Any) -> Iterator[Any]:
    """The body with each of its parts in turn replaced by something odd."""
    yield from ODD
    if isinstance(body, dict):
        for name, value in body.items():
            yield from ({**body, name: other} for other in spoilt(value))
    elif isinstance(body, list) and body:
        yield from ([other] for other in spoilt(body[0]))


@pytest.mark.parametrize("endpoint", SENT, ids=lambda e: f"{e.provider} {e.name}")
async def test_whatever_is_sent_is_answered(walker: Walker, endpoint: Endpoint) -> None:
    """A handler that raises is a 500 with a trace in the log: no provider's own words."""
    made = prepare(endpoint, await walker.prepare(endpoint))
    for body in spoilt(made.body):
        answer = await walker.ask(
            endpoint.provider, endpoint.method, made.path, params=made.query, json=body
        )
        assert answer.status_code < 500, body


async def test_a_reply_without_a_body_survives_a_renaming(walker: Walker) -> None:
    walker.simulator.faults.put(Fault(provider="hunter", kind="rename_field", field="id"))
    answer = await walker.ask("hunter", "DELETE", "/leads/1")
    assert answer.status_code == 204


async def test_the_table_can_be_read_from_the_control_api(walker: Walker) -> None:
    rows = await walker.simulator.control.get("/endpoints")
    assert len(rows) == len(ENDPOINTS)
    first = next(row for row in rows if row["path"] == "/domain-search")
    assert first["meter"] == "searches"
    assert first["source"] == "S0 Domain Search"
