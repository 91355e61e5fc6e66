"""Every route against every scope; with every set of them, and teams: tests/gates."""

from __future__ import annotations

import pytest

from gateway.vault.keys import SCOPES
from tests.gateway.api.replies import problem_of
from tests.gateway.api.route_table import OPEN, TABLE, check_table
from tests.gateway.conftest import Gateway


def test_every_route_has_its_entry(store_url: str) -> None:
    check_table(store_url)
    assert len(TABLE) > 30


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_does_only_what_its_scope_allows(gateway: Gateway, scope: str) -> None:
    """A foreign scope is 403 before anything else is looked at; the right one never is."""
    async with gateway.caller(await gateway.key("default", scope)) as client:
        for label, entry in TABLE.items():
            if entry.scopes == OPEN:
                continue
            method, path = label.replace("{", "").replace("}", "").split()
            reply = await client.request(method, path)
            if scope in entry.scopes:
                assert reply.status_code != 403, label
            else:
                detail = problem_of(reply, 403, "forbidden")["detail"]
                assert all(name in detail for name in entry.scopes), label


async def test_several_scopes_add_up(gateway: Gateway) -> None:
    key = await gateway.key("default", "usage", "admin", "lookup")
    async with gateway.caller(key) as client:
        for path in ("/v1/admin/teams", "/v1/jobs", "/v1/providers"):
            assert (await client.get(path)).status_code == 200


async def test_options_tells_methods_to_those_who_have_a_key(gateway: Gateway) -> None:
    async with gateway.caller(await gateway.key("default", "usage")) as client:
        reply = await client.options("/v1/providers")
    assert (reply.status_code, reply.content) == (204, b"")
    assert "GET" in reply.headers["allow"]
