"""When the sandbox is entered and left, and that a real provider is asked as it wants to be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from providers.simulator.testing import RunningSimulator, running_simulator
from tests.gateway.supervisor.processes import (
    PERSON,
    Served,
    environment,
    external,
    running_store,
    sabotaged,
    serving,
    simulated,
)

STRANGER = {**PERSON, "full_name": "Radia Horak"}


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as started:
        yield started


async def assert_only_hunter_is_asked(served: Served, simulator: RunningSimulator) -> None:
    """One call, its key in a header; no sandbox anywhere."""
    assert "andbox" not in served.banner
    assert not served.children("providers.simulator")
    reply = await served.find()
    assert reply.status_code == 200, reply.text
    meta = reply.json()["meta"]
    assert "sandbox" not in meta
    asked = [one["provider"] for one in meta["attempts"] if one["outcome"] != "skipped"]
    assert asked == ["hunter"]
    visits = simulator.app.traffic.latest
    assert [visit.provider for visit in visits] == ["hunter"]
    assert str(visits[0].placement).startswith("header:"), visits
    listed = (await served.client.get("/v1/providers")).json()["data"]
    assert "sim-hunter-key" not in served.log + served.banner + json.dumps(listed)


async def test_with_a_key_and_an_address_only_that_provider_is_asked(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    environ = environment(tmp_path / "data", **simulated(simulator.endpoints, "hunter"))
    async with serving(tmp_path, environ=environ) as served:
        await assert_only_hunter_is_asked(served, simulator)


IN_URL = """
import providers.signin as s
def auth_flow(self, request):
    request.url = request.url.copy_merge_params({"api_key": self._value})
    yield request
s.HeaderKey.auth_flow = auth_flow
"""
ALWAYS = "import gateway.supervisor.command as c; c.wants_sandbox = lambda *_, **__: True"


@pytest.mark.parametrize(
    "code, complaint",
    [(IN_URL, "placement='query:api_key'"), (ALWAYS, "'andbox' is contained")],
    ids=["key-in-url", "always-sandbox"],
)
async def test_a_key_in_the_url_or_a_sandbox_is_noticed(
    code: str, complaint: str, tmp_path: Path, simulator: RunningSimulator
) -> None:
    environ = environment(tmp_path / "data", **simulated(simulator.endpoints, "hunter"))
    environ |= sabotaged(tmp_path / "sabotage", code)
    async with serving(tmp_path, environ=environ) as served:
        with pytest.raises(AssertionError, match=complaint):
            await assert_only_hunter_is_asked(served, simulator)


@pytest.mark.parametrize(
    "variables, arguments, sandbox",
    [
        ({}, (), True),
        ({"GATEWAY_SANDBOX": "0"}, (), False),
        ({"HUNTER_API_KEY": "k"}, (), False),
        ({"SNOV_BASE_URL": "http://127.0.0.1:1"}, (), False),
        ({"HUNTER_API_KEY": "k", "HUNTER_BASE_URL": "http://127.0.0.1:1"}, ("--sandbox",), True),
        ({"HUNTER_API_KEY": "k", "GATEWAY_SANDBOX": "1"}, (), True),
    ],
    ids=["nothing", "told-not-to", "a-key", "an-address", "by-option", "by-variable"],
)
async def test_the_sandbox_is_entered_when_nothing_real_is_configured_or_when_told(
    variables: dict[str, str], arguments: tuple[str, ...], sandbox: bool, tmp_path: Path
) -> None:
    environ = environment(tmp_path / "data", **variables)
    async with serving(tmp_path, *arguments, environ=environ) as served:
        assert ("Sandbox mode" in served.banner) is sandbox
        assert len(served.children("providers.simulator")) == sandbox
        meta = (await served.client.get("/v1/admin/teams")).json()["meta"]
        assert meta.get("sandbox", False) is sandbox
        if arguments:  # the simulators answer, not the address that was configured
            assert (await served.find()).json()["data"]["provenance"]["provider"] == "hunter"


async def test_an_external_store_enters_the_sandbox_only_when_told(tmp_path: Path) -> None:
    with running_store(tmp_path / "s") as url:
        environ = external(tmp_path / "data", url)
        async with serving(tmp_path, environ=environ) as served:
            assert "andbox" not in served.banner
            reply = await served.find()
            assert (reply.status_code, reply.json()["code"]) == (503, "no_provider_configured")
        async with serving(tmp_path, "--sandbox", environ=environ) as served:
            reply = await served.find()
            assert reply.json()["meta"]["sandbox"] is True
            assert reply.json()["meta"]["cost"] == "0.049"


async def test_a_credential_added_in_the_sandbox_counts_from_the_next_start(
    tmp_path: Path, simulator: RunningSimulator
) -> None:
    """The sandbox's answers are left behind; a store that held a credential never enters it."""
    async with serving(tmp_path) as served:
        credential = await add_credential(served)
        assert (await served.find()).json()["meta"]["sandbox"] is True
        assert not simulator.bill.rows

    # Without any provider's variable the credential's address is the provider's own.
    address = {"HUNTER_BASE_URL": simulator.endpoints.hunter}
    async with serving(tmp_path, environ=environment(tmp_path / "data", **address)) as served:
        assert "andbox" not in served.banner
        bought = await served.find()
        assert bought.status_code == 200, bought.text
        assert bought.json()["meta"]["cost"] == "0.049"
        assert [row.provider for row in simulator.bill.rows] == ["hunter"]
        removed = await served.client.delete(f"/v1/admin/credentials/{credential}")
        assert removed.status_code == 204

    async with serving(tmp_path) as served:
        assert "andbox" not in served.banner
        assert (await served.find(STRANGER)).json()["code"] == "no_provider_configured"


async def add_credential(served: Served) -> str:
    body = {"provider": "hunter", "name": "main", "secret": {"api_key": "sim-hunter-key"}}
    added = await served.client.post("/v1/admin/credentials", json=body)
    assert added.status_code == 201, added.text
    assert "next start" in added.json()["meta"]["notice"]
    return str(added.json()["data"]["id"])


async def test_the_banner_shows_where_the_key_is_and_not_the_key(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        assert served.key not in served.banner + served.log
        assert f"$(cat {tmp_path}/data/admin.key)" in served.banner
        assert (tmp_path / "data" / "admin.key").stat().st_mode & 0o777 == 0o600
