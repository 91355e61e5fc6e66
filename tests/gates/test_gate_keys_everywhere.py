"""What becomes of a key is known within a second to three real processes on one store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.supervisor.processes import (
    Served,
    external,
    running_store,
    sabotaged,
    serving,
)

KEYS, ME = "/v1/admin/keys", "/v1/me"
WITHIN = 1.0


@dataclass
class Fleet:
    """Gateways that share a store; the first is the one that is administered."""

    served: list[Served]

    async def key(self, **members: Any) -> tuple[str, str]:
        """A new key's id and text, which every process has seen alive."""
        body = {"name": "k", "scopes": ["lookup", "usage"], **members}
        reply = await self.served[0].client.post(KEYS, json=body)
        assert reply.status_code == 201, reply.text
        made = reply.json()["data"]
        assert await self.statuses(made["key"]) == {200}, "a new key is not known everywhere"
        return made["id"], made["key"]

    async def status(self, served: Served, text: str, path: str = ME) -> int:
        headers = {"authorization": f"Bearer {text}"}
        return (await served.client.get(path, headers=headers)).status_code

    async def statuses(self, text: str, path: str = ME) -> set[int]:
        return set(
            await asyncio.gather(*[self.status(served, text, path) for served in self.served])
        )

    async def seconds_until(self, text: str, wanted: int, path: str = ME) -> float:
        """Until every process answers so, from now; each is asked all the time."""
        began = time.monotonic()

        async def follow(served: Served) -> None:
            while await self.status(served, text, path) != wanted:
                assert time.monotonic() - began < 2 * WITHIN, "it lives on somewhere"
                await asyncio.sleep(0.01)

        await asyncio.gather(*[follow(served) for served in self.served])
        return time.monotonic() - began


@asynccontextmanager
async def fleet(folder: Path, size: int, sabotage: str = "") -> AsyncIterator[Fleet]:
    mutant = sabotaged(folder / "mutant", sabotage) if sabotage else {}
    with running_store(folder / "s") as url:
        async with AsyncExitStack() as stack:
            starts = []
            for number in range(size):
                own = folder / f"g{number}"
                own.mkdir()
                environ = external(own / "data", url, **mutant)
                starts.append(stack.enter_async_context(serving(own, environ=environ)))
            yield Fleet(list(await asyncio.gather(*starts)))


async def check_revoked(several: Fleet) -> None:
    name, text = await several.key()
    assert (await several.served[0].client.delete(f"{KEYS}/{name}")).status_code == 204
    assert await several.seconds_until(text, 401) < WITHIN, "a revoked key lives on"


async def check_expired(several: Fleet) -> None:
    """Its end comes by itself, and by a change."""
    end = datetime.now(UTC) + timedelta(seconds=2)
    _, text = await several.key(expires_at=end.isoformat())
    await asyncio.sleep((end - datetime.now(UTC)).total_seconds())
    assert await several.seconds_until(text, 401) < WITHIN, "an expired key lives on"
    name, text = await several.key()
    change = {"expires_at": datetime.now(UTC).isoformat()}
    reply = await several.served[0].client.patch(f"{KEYS}/{name}", json=change)
    assert reply.status_code == 200, reply.text
    assert await several.seconds_until(text, 401) < WITHIN, "an expired key lives on"


async def check_rotated(several: Fleet) -> None:
    name, old = await several.key()
    rotation = {"grace_seconds": 0}
    reply = await several.served[0].client.post(f"{KEYS}/{name}/rotate", json=rotation)
    new = reply.json()["data"]["key"]
    assert await several.seconds_until(old, 401) < WITHIN, "a rotated text lives on"
    assert await several.statuses(new) == {200}


async def check_narrowed(several: Fleet) -> None:
    name, text = await several.key()
    change = {"scopes": ["lookup"]}
    await several.served[0].client.patch(f"{KEYS}/{name}", json=change)
    assert await several.seconds_until(text, 403, "/v1/usage") < WITHIN, "a scope lives on"


Check = Callable[[Fleet], Awaitable[None]]
CHECKS: list[Check] = [check_revoked, check_expired, check_rotated, check_narrowed]


async def test_the_end_of_a_key_is_known_everywhere_within_a_second(tmp_path: Path) -> None:
    async with fleet(tmp_path, 3) as several:
        for check in CHECKS:
            await check(several)


FORGETS_NOTHING = "import gateway.vault.authentication as a; a.FRESH = 30.0"
EXPIRES_NEVER = "import gateway.vault.authentication as a; a.live_until = lambda key: a.FOREVER"


@pytest.mark.parametrize(
    "sabotage, check", [(FORGETS_NOTHING, check_revoked), (EXPIRES_NEVER, check_expired)]
)
async def test_a_process_that_does_not_notice_is_noticed(
    tmp_path: Path, sabotage: str, check: Check
) -> None:
    async with fleet(tmp_path, 1, sabotage) as one:
        with pytest.raises(AssertionError, match="lives on"):
            await check(one)
