"""A whole gateway in the test's event loop: real HTTP, real store, simulated providers."""

from __future__ import annotations

import atexit
import base64
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from gateway.api.protocol import ProblemProtocol
from gateway.app import create_app
from gateway.settings import PROVIDERS, RouteSettings, Secret, Settings
from gateway.store.connection import Store
from providers.model import OPERATIONS
from providers.simulator.serving import bind
from providers.simulator.testing import RunningSimulator, running_simulator

ADMIN_KEY = "an-admin-key-of-the-test-suite"
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
# Journals of gateways that are not given a directory of their own.
DATA_DIR = Path(tempfile.mkdtemp(prefix="gateway-tests-"))
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)
SECRETS = {
    "hunter": {"api_key": "sim-hunter-key"},
    "snov": {"client_id": "sim-snov-client", "client_secret": "sim-snov-secret"},
    "sixtyfour": {"api_key": "sim-sixtyfour-key"},
    "letrics": {"token": "sim-letrics-token"},
}


@dataclass
class Gateway:
    """A running gateway; `client` carries the admin key."""

    url: str
    client: httpx.AsyncClient
    settings: Settings
    simulator: RunningSimulator | None = None
    keys: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """POST JSON; headers are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, json=body, headers=named)

    async def team(self, name: str = "", **members: Any) -> str:
        """A new team's id."""
        body = {"name": name or f"research {token_hex(4)}", **members}
        reply = await self.client.post("/v1/admin/teams", json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["data"]["id"])

    async def key(self, team: str = "default", *scopes: str, **members: Any) -> str:
        """A new key's text."""
        body = {"team_id": team, "name": "k", "scopes": list(scopes or ("lookup",)), **members}
        reply = await self.client.post("/v1/admin/keys", json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["data"]["key"])

    def caller(self, key: str) -> httpx.AsyncClient:
        """A client with another key; close it."""
        headers = {"authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=70)


def make_settings(
    store_url: str,
    simulator: RunningSimulator | None,
    *,
    only: tuple[str, ...] = PROVIDERS,
    **more: Any,
) -> Settings:
    """Settings of a gateway whose providers are simulated; those not in `only` have no secret."""
    settings = Settings(
        store_url=store_url,
        data_dir=DATA_DIR,
        store_timeout_ms=5000,
        master_keys=(Secret(MASTER_KEY),),
        admin_key=Secret(ADMIN_KEY),
        sandbox=False,
        public_url="https://gateway.example",
        # What is learned depends on what was asked before, and hardly any test is about that.
        routes=dict.fromkeys(OPERATIONS, RouteSettings(order="listed")),
    )
    if simulator is not None:
        providers = {
            name: msgspec.structs.replace(
                provider,
                base_url=getattr(simulator.endpoints, name),
                base_url_set=True,
                secret={member: Secret(text) for member, text in SECRETS[name].items()}
                if name in only
                else None,
            )
            for name, provider in settings.providers.items()
        }
        settings = msgspec.structs.replace(settings, providers=providers)
    return msgspec.structs.replace(settings, **more)


@asynccontextmanager
async def running_gateway(
    settings: Settings, simulator: RunningSimulator | None = None
) -> AsyncIterator[Gateway]:
    """Serve in the running event loop, on a free port."""
    listener = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(settings),
        http=ProblemProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    assert server.started, "the gateway did not start"
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=70) as client:
            yield Gateway(url, client, settings, simulator)
    finally:
        await server.shutdown([listener])


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


@pytest.fixture(autouse=True, scope="session")
def _certificates_read_once() -> Iterator[None]:
    """Each client and each gateway would read all that the machine trusts."""
    read = cache(httpx.create_ssl_context)
    with pytest.MonkeyPatch.context() as patch:
        for place in ("httpx", "httpx._transports.default"):
            patch.setattr(f"{place}.create_ssl_context", read)
        yield


@pytest.fixture(autouse=True)
def _own_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test left on the disk is of a store that is gone."""
    monkeypatch.setattr("tests.gateway.conftest.DATA_DIR", tmp_path / "data")


GatewayFactory = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def start_gateway(
    store: Store, store_url: str, simulator: RunningSimulator
) -> AsyncIterator[GatewayFactory]:
    """Start gateways on one empty store; `only` and any setting may be given for each."""
    async with AsyncExitStack() as stack:

        async def start(*, only: tuple[str, ...] = PROVIDERS, **more: Any) -> Gateway:
            settings = make_settings(store_url, simulator, only=only, **more)
            return await stack.enter_async_context(running_gateway(settings, simulator))

        yield start


@pytest.fixture
async def gateway(start_gateway: GatewayFactory) -> Gateway:
    """One gateway with all four providers."""
    return await start_gateway()
