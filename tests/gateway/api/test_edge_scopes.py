"""Every route against every scope, as the routes themselves declare them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from litestar.routes import HTTPRoute

from gateway.app import create_app
from gateway.vault.keys import SCOPES
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import Gateway, make_settings

# Which scopes open which paths, said here again: the first that a path begins with.
EXPECTED: list[tuple[str, set[str]]] = [
    ("/v1/admin/", {"admin"}),
    ("/v1/jobs", {"jobs", "lookup"}),
    ("/v1/providers", set(SCOPES)),
    ("/v1/me", set(SCOPES)),
    ("/v1/usage", {"usage"}),
    ("/v1/", {"lookup"}),
]
OPEN = {"/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/{name:str}"}


class Declared(NamedTuple):
    method: str
    path: str
    scope: Any


def declared_routes(store_url: str) -> list[Declared]:
    app: Any = create_app(make_settings(store_url, None))._app
    return [
        Declared(method, route.path_format, handler.opt["scope"])
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "scope" in handler.opt
        for method in handler.http_methods
    ]


def expected_scopes(path: str) -> set[str]:
    return next(scopes for prefix, scopes in EXPECTED if path.startswith(prefix))


async def test_every_route_says_who_may_use_it(store_url: str) -> None:
    routes = declared_routes(store_url)
    assert len(routes) > 30
    for route in routes:
        if route.path.split("{")[0].rstrip("/") in {path.split("/{")[0] for path in OPEN}:
            assert route.scope == "open", route
            continue
        declared = {route.scope} if isinstance(route.scope, str) else set(route.scope or SCOPES)
        assert declared == expected_scopes(route.path), route


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_does_only_what_its_scope_allows(
    gateway: Gateway, store_url: str, scope: str
) -> None:
    """A foreign scope is 403 before anything else is looked at; the right one never is."""
    async with gateway.caller(await gateway.key("default", scope)) as client:
        for route in declared_routes(store_url):
            if route.scope == "open":
                continue
            path = route.path.replace("{", "").replace("}", "")
            reply = await client.request(route.method, path)
            expected = expected_scopes(route.path)
            if scope in expected:
                assert reply.status_code != 403, route
            else:
                detail = problem_of(reply, 403, "forbidden")["detail"]
                assert all(name in detail for name in expected)


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
