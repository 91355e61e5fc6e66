"""For those who run it: /livez, /readyz, /metrics, /openapi.json, /docs."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.settings import Secret
from gateway.store.connection import Store
from gateway.store.server import ask, find_binary
from providers.simulator.testing import RunningSimulator, running_simulator
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.conftest import ADMIN_KEY, GatewayFactory, make_settings, running_gateway

FIND = "/v1/emails/find"
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}


@dataclass
class OwnStore:
    """A store of this test alone, to be stopped and spoilt."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/s"

    def start(self) -> None:
        command = [str(find_binary()), "--port", "0", "--unixsocket", str(self.folder / "s")]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        command += ["--appendfsync", "always", "--logfile", str(self.folder / "log")]
        self.process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while not ask(self.folder / "s"):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def end(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)


@pytest.fixture
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStore]:
    store = OwnStore(tmp_path_factory.mktemp("o"))
    yield store
    store.end()


async def readiness(client: httpx.AsyncClient) -> tuple[int, set[str]]:
    reply = await client.get("/readyz")
    body = reply.json()
    assert body["status"] == ("ready" if reply.status_code == 200 else "not_ready")
    assert all(reason["message"] for reason in body["reasons"])
    return reply.status_code, {reason["name"] for reason in body["reasons"]}


async def test_readiness_follows_the_store_and_comes_back_by_itself(
    own_store: OwnStore, simulator: RunningSimulator
) -> None:
    """Down and frozen: lookups fail closed, life goes on, and all of it mends by itself."""
    await asyncio.to_thread(own_store.start)
    settings = make_settings(own_store.url, simulator, store_timeout_ms=250)
    async with running_gateway(settings) as gateway:

        async def ready() -> bool:
            return await readiness(gateway.client) == (200, set())

        assert await readiness(gateway.client) == (200, set())
        own_store.signal(signal.SIGSTOP)
        assert await readiness(gateway.client) == (503, {"unreachable"})
        await check_closed(gateway.client)
        own_store.signal(signal.SIGCONT)
        await eventually(ready)
        assert (await gateway.client.get("/v1/admin/teams")).status_code == 200
        own_store.end()
        assert await readiness(gateway.client) == (503, {"unreachable"})
        await check_closed(gateway.client)
        assert not simulator.bill.rows
        await asyncio.to_thread(own_store.start)
        await eventually(ready)
        assert (await gateway.client.get("/v1/admin/teams")).status_code == 200


async def check_closed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "alive"}
    for reply in (
        await client.get("/v1/admin/teams"),
        await client.post("/v1/admin/teams", json={"name": "n"}),
        await client.get("/v1/jobs/job_1"),
        await client.post(FIND, json=PERSON),
    ):
        problem_of(reply, 503, "ledger_unavailable")
        assert int(reply.headers["retry-after"]) >= 1


async def test_a_store_set_up_wrongly_is_named(own_store: OwnStore) -> None:
    await asyncio.to_thread(own_store.start)
    async with running_gateway(make_settings(own_store.url, None)) as gateway:
        for setting, wrong, right, name in (
            ("appendfsync", "everysec", "always", "fsync"),
            ("maxmemory-policy", "allkeys-lru", "noeviction", "eviction"),
            ("appendonly", "no", "yes", "persistence"),
        ):
            await configure(own_store, setting, wrong)
            assert await readiness(gateway.client) == (503, {name})
            await configure(own_store, setting, right)
            assert await readiness(gateway.client) == (200, set())


async def configure(own_store: OwnStore, setting: str, value: str) -> None:
    reader, writer = await asyncio.open_unix_connection(str(own_store.folder / "s"))
    writer.write(f"CONFIG SET {setting} {value}\r\n".encode())
    assert (await reader.readline()).startswith(b"+OK")
    writer.close()


async def test_a_risk_accepted_by_name_is_told_and_does_not_stop(own_store: OwnStore) -> None:
    await asyncio.to_thread(own_store.start)
    accepted: Any = frozenset({"fsync"})
    settings = make_settings(own_store.url, None, store_accept_risk=accepted)
    async with running_gateway(settings) as gateway:
        await configure(own_store, "appendfsync", "everysec")
        reply = await gateway.client.get("/readyz")
    assert reply.status_code == 200
    assert [(r["name"], r["accepted"]) for r in reply.json()["reasons"]] == [("fsync", True)]


async def test_pages_without_a_key(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway()
    async with httpx.AsyncClient(base_url=gateway.url) as anyone:
        for path, kind in {
            "/livez": "application/json",
            "/readyz": "application/json",
            "/openapi.json": "application/json",
            "/docs": "text/html; charset=utf-8",
            "/docs/start.js": "text/javascript; charset=utf-8",
            "/docs/swagger-ui.css": "text/css; charset=utf-8",
            "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
            "/docs/favicon-32x32.png": "image/png",
        }.items():
            reply = await anyone.get(path)
            assert (reply.status_code, reply.headers["content-type"]) == (200, kind), path
            assert len(reply.content) == int(reply.headers["content-length"])
            head = await anyone.head(path)
            assert (head.status_code, head.content) == (200, b"")
        page = (await anyone.get("/docs")).text
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page
        metrics = await anyone.get("/metrics")
        assert metrics.headers["content-type"].count("charset") == 1


async def test_metrics_count_requests_by_route_and_status(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway()
    await gateway.post(FIND, PERSON)
    await gateway.client.get("/v1/jobs/job_of_ada_lovelace")
    await gateway.client.get("/v1/nothing/ada.lovelace")
    await gateway.client.get("/v1/domains/blue-harbor.example/email-count")
    text = (await gateway.client.get("/metrics")).text
    for line in (
        'gateway_requests_total{route="/v1/emails/find",status="200"}',
        'gateway_requests_total{route="/v1/jobs/{job_id}",status="404"}',
        'gateway_requests_total{route="/v1/domains/{domain}/email-count",status="200"}',
        'gateway_requests_total{route="unmatched",status="404"}',
        'gateway_attempts_total{operation="emails.find",outcome="accepted",provider="hunter"}',
    ):
        assert line in text, line
    assert "lovelace" not in text
    assert "blue-harbor" not in text


async def test_metrics_show_breakers_that_have_tripped(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway()
    path, line = "/v1/admin/providers/hunter/breakers", "gateway_breaker_open{"
    assert line not in (await gateway.client.get("/metrics")).text
    forced = {"state": "open", "operation": "emails.find"}
    assert (await gateway.client.put(path, json=forced)).status_code == 200
    text = (await gateway.client.get("/metrics")).text
    [shown] = [one for one in text.splitlines() if one.startswith(line)]
    assert shown.endswith('operation="emails.find",provider="hunter"} 1.0')
    await gateway.client.put(path, json={**forced, "state": "closed"})
    assert line not in (await gateway.client.get("/metrics")).text, "it lets everything through"
    await gateway.client.put(path, json={**forced, "state": "auto"})
    assert line not in (await gateway.client.get("/metrics")).text


async def test_metrics_may_have_a_key_of_their_own(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(metrics_key=Secret("a-key-for-the-scraper"))
    async with httpx.AsyncClient(base_url=gateway.url) as anyone:
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer wrong"}, 401),
            ({"authorization": f"Bearer {ADMIN_KEY}"}, 401),
            ({"authorization": "Bearer a-key-for-the-scraper"}, 200),
            ({"authorization": "bearer a-key-for-the-scraper"}, 200),
            ({"x-api-key": "a-key-for-the-scraper"}, 200),
        ):
            reply = await anyone.get("/metrics", headers=headers)
            assert reply.status_code == status, headers
            if status == 401:
                problem_of(reply, 401, "unauthenticated")


def documented(operation: dict[str, Any]) -> set[str]:
    """A provider that is asked natively may refuse as the gateway does, in its own words."""
    others = {"*/*"} if "Native" in operation.get("tags", ()) else set()
    for status, reply in operation["responses"].items():
        assert "X-Request-Id" in reply["headers"]
        if status[0] in "45" and "Readiness" not in str(reply):
            told = set(reply["content"])
            assert told - others == {"application/problem+json"}, (operation, status)
    return set(operation["responses"])


async def test_the_document_tells_every_status_of_every_route(
    start_gateway: GatewayFactory,
) -> None:
    document = (await (await start_gateway()).client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    seen = set()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            seen.add(operation["operationId"])
            said = documented(operation)
            if operation.get("security") == []:
                continue
            assert said >= {"401", "403", "500", "503"}, path
            if "requestBody" in operation:
                assert said >= {"400", "413", "415", "422"}, path
            if "{" in path and "email-count" not in path:
                assert "404" in said, path
            if "Lookups" in operation["tags"]:
                assert said >= {"200", "202", "402", "422", "429", "451", "502"}, path
                assert "X-Gateway-Cost" in operation["responses"]["200"]["headers"]
    assert len(seen) == sum(len(methods) for methods in document["paths"].values())


async def test_the_document_refuses_unknown_members_as_the_gateway_does(
    start_gateway: GatewayFactory,
) -> None:
    document = (await (await start_gateway()).client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            for body in operation.get("requestBody", {}).get("content", {}).values():
                name = body["schema"]["$ref"].rpartition("/")[2]
                assert schemas[name]["additionalProperties"] is False, name
    assert schemas["Routing"]["properties"]["max_cost"]["anyOf"][0]["pattern"]
    assert "\n    " not in str(schemas)


@pytest.mark.parametrize("share, status", [(0.5, 202), (0.85, 202), (0.95, 503)])
async def test_a_store_that_fills_up_warns_then_takes_no_new_jobs(
    own_store: OwnStore, share: float, status: int
) -> None:
    await asyncio.to_thread(own_store.start)
    async with running_simulator() as simulator:
        settings = make_settings(own_store.url, simulator)
        async with running_gateway(settings, simulator) as gateway:
            await gateway.post(FIND, PERSON)
            used = int((await told(own_store, "memory"))["used_memory"])
            await configure(own_store, "maxmemory", str(round(used / share)))
            ready = await gateway.client.get("/readyz")
            job = {"operation": "emails.find", "items": [PERSON]}
            made = await gateway.client.post("/v1/jobs", json=job)
            found = await gateway.post(FIND, PERSON)
    warned = [one["name"] for one in ready.json()["reasons"]]
    assert (ready.status_code, warned) == (200, ["memory"] if share > 0.8 else [])
    assert (made.status_code, found.status_code) == (status, 200)
    if status == 503:
        problem_of(made, 503, "ledger_unavailable")


async def told(own_store: OwnStore, section: str) -> dict[str, str]:
    store = await Store.connect(own_store.url, timeout=5)
    text = (await store.call("INFO", section)).decode()
    await store.close()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


async def test_the_document_says_what_is_not_json(start_gateway: GatewayFactory) -> None:
    document = (await (await start_gateway()).client.get("/openapi.json")).json()
    media = {
        path: sorted(document["paths"][path]["get"]["responses"]["200"]["content"])
        for path in ("/v1/jobs/{job_id}/events", "/v1/jobs/{job_id}/results", "/v1/usage")
    }
    assert list(media.values()) == [
        ["text/event-stream"],
        ["application/json", "application/x-ndjson", "text/csv"],
        ["application/json", "text/csv"],
    ]
