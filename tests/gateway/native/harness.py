"""A gateway asked natively, beside the providers' own records of what they said and charged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.store.connection import Store
from providers.simulator.accounts import Account
from providers.simulator.testing import RunningSimulator
from providers.simulator.wire import Reply
from tests.gateway.api.replies import eventually
from tests.gateway.conftest import ADMIN_KEY, Gateway
from tests.gateway.money.books import entries

# The ledger's word for a unit, and the bill's for what it counts.
METERS = {"search": "searches", "verification": "verifications", "credit": "credits",
          "cent": "cents"}  # fmt: skip


@dataclass
class Native:
    """`client` has no key of its own; `said` are the simulator's replies, the latest last."""

    gateway: Gateway
    simulator: RunningSimulator
    store: Store
    client: httpx.AsyncClient
    said: list[Reply] = field(default_factory=list)

    async def ask(
        self, method: str, provider: str, path: str, *, key: str = ADMIN_KEY, **rest: Any
    ) -> httpx.Response:
        """With the key where the gateway's own clients put it."""
        headers = {"authorization": f"Bearer {key}", **rest.pop("headers", {})}
        url = f"/native/{provider}{path}"
        return await self.client.request(method, url, headers=headers, **rest)

    async def key(self, *scopes: str, **team: Any) -> str:
        """Of a team of its own."""
        return await self.gateway.key(await self.gateway.team(**team), *scopes)

    async def add(self, provider: str, key: str, **members: Any) -> str:
        """The id of a stored credential; the provider knows its key."""
        accounts = self.simulator.app.stage.accounts
        if accounts.get(provider, key) is None:
            accounts.put(key, Account(provider=provider, name=key))
        body = {"provider": provider, "name": key, "secret": {"api_key": key}, **members}
        reply = await self.gateway.client.post("/v1/admin/credentials", json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["data"]["id"])

    async def entries(self) -> list[dict[str, str]]:
        """Native calls in the ledger, oldest first."""
        found = [row for row in await entries(self.store) if row["operation"].startswith("native")]
        return sorted(found, key=lambda row: int(row["seq"]))

    async def posted(self) -> Counter[tuple[str, str]]:
        """Thousandths of units by provider and meter."""
        sums: Counter[tuple[str, str]] = Counter()
        for row in await self.entries():
            if row["state"] == "posted" and row["unit"] in METERS:
                sums[row["provider"], METERS[row["unit"]]] += int(row["units"])
        return +sums

    def billed(self) -> Counter[tuple[str, str]]:
        """The same, as the providers charged it."""
        sums: Counter[tuple[str, str]] = Counter()
        for row in self.simulator.bill.select():
            sums[row.provider, row.meter] += row.units * 1000
        return +sums

    async def open_calls(self) -> list[str]:
        held = ("reserved", "dispatched", "in_doubt")
        return [row["operation"] for row in await self.entries() if row["state"] in held]

    def visits(self) -> int:
        """Requests that reached a provider, but for its sign-in."""
        return sum(
            count
            for (_, route), count in self.simulator.app.traffic.counts.items()
            if "oauth" not in route
        )

    async def is_settled(self) -> bool:
        return bool(await self.entries()) and not await self.open_calls()

    async def until_settled(self) -> None:
        await eventually(self.is_settled)
