"""Several gateway processes on one store before one simulator, and many clients asking them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from gateway.store.connection import Store
from providers.simulator.testing import ControlClient, simulator_process
from tests.gateway.money.conftest import OFFSET
from tests.gateway.supervisor.processes import (
    ADMIN_KEY,
    Served,
    external,
    running_store,
    sabotaged,
    serving,
    simulated,
)

PAGE = 1000


@dataclass(frozen=True)
class Heard:
    """A reply; the times are of the monotonic clock."""

    status: int
    body: Any
    began: float
    ended: float

    @property
    def cost(self) -> Decimal:
        return Decimal(self.body["meta"]["cost"]) if self.status == 200 else Decimal(0)

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Fleet:
    """What runs, and a client that is never the slow part."""

    session: aiohttp.ClientSession
    control: ControlClient
    store: Store
    gateways: list[Served] = field(default_factory=list)

    async def ask(
        self,
        at: int,
        person: Any,
        *,
        key: str = ADMIN_KEY,
        provider: str = "hunter",
        tag: str = "",
    ) -> Heard:
        """One lookup of gateway number `at` that no cache serves. Raises aiohttp.ClientError."""
        body = {
            "full_name": person["full_name"],
            "domain": person["company"]["domain"],
            "routing": {"providers": [provider], "max_age": 0},
            **({"tag": tag} if tag else {}),
        }
        return await self.post(at, "/v1/emails/find", body, key=key)

    async def post(
        self, at: int, path: str, body: Any, *, key: str = ADMIN_KEY, **headers: str
    ) -> Heard:
        """Raises aiohttp.ClientError."""
        url = f"{self.gateways[at % len(self.gateways)].url}{path}"
        began = time.monotonic()
        headers |= {"authorization": f"Bearer {key}"}
        async with self.session.post(url, json=body, headers=headers) as reply:
            found = await reply.json(content_type=None)
            return Heard(reply.status, found, began, time.monotonic())

    async def kill(self) -> None:
        """Gateways whose lookups in hand nobody will miss."""
        for served in self.gateways:
            served.process.kill()
            await served.process.wait()

    async def people(self, provider: str = "hunter") -> tuple[list[Any], list[Any]]:
        """Those whom the provider knows, and those it doesn't; nobody who objected."""
        everybody: list[Any] = []
        while page := await self.control.get("/world/people", limit=PAGE, offset=len(everybody)):
            everybody += page
        askable = [person for person in everybody if not person["claimed"]]
        known = [person for person in askable if person["known"].get(provider)]
        return known, [person for person in askable if not person["known"].get(provider)]

    async def team(self, name: str, amount: Decimal | None = None) -> tuple[str, str]:
        """A new team's id and a key of it; `amount` is its budget of all time."""
        budget = {} if amount is None else {"budget": {"amount": str(amount), "period": "total"}}
        client = self.gateways[0].client
        made = await client.post("/v1/admin/teams", json={"name": name, **budget})
        assert made.status_code == 201, made.text
        team = made.json()["data"]["id"]
        body = {"team_id": team, "name": "k", "scopes": ["lookup"]}
        key = await client.post("/v1/admin/keys", json=body)
        assert key.status_code == 201, key.text
        return team, key.json()["data"]["key"]


@asynccontextmanager
async def fleet(
    folder: Path,
    *,
    size: int,
    code: str = "",
    people: int = 2000,
    offset: int = 0,
    providers: Iterable[str] = ("hunter",),
    **environment: str,
) -> AsyncIterator[Fleet]:
    """`size` gateways that know `providers`; each of their processes runs `code` first.

    `offset` is how far the store's clock is ahead, in ms, where GATEWAY_TEST_CLOCK is set.
    """
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_store(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=people))
        environ = external(folder / "data", url, **simulated(endpoints, *providers))
        environ |= environment | sabotaged(folder / "first", code)
        session = await stack.enter_async_context(open_session())
        store = await Store.connect(url, timeout=30)
        stack.push_async_callback(store.close)
        await store.call("SET", OFFSET, offset)
        made = Fleet(session, control, store)
        starting = [serving(folder / str(number), environ=environ) for number in range(size)]
        made.gateways = await asyncio.gather(*map(stack.enter_async_context, starting))
        yield made


def open_session() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=70)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout)


async def in_parallel(
    jobs: Iterable[Any], width: int, work: Callable[[int, Any], Awaitable[None]]
) -> None:
    """`width` clients that share `jobs`; `work` is told the client's number."""
    waiting = iter(jobs)

    async def client(number: int) -> None:
        for job in waiting:
            await work(number, job)

    await asyncio.gather(*(client(number) for number in range(width)))
