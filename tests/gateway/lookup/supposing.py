"""What a running gateway is made to know of its providers, and what it says it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, product
from typing import Any

import httpx

from gateway.lookup.planning.estimation import levels_of
from gateway.lookup.planning.lessons import to_cells
from tests.gateway.lookup.scene import Scene, until

# Of the person that is quoted for, and of the simulator's domains.
PLACES = ("com..p", "other..p")
ROOT = "{pgw}:live:learn:emails.find:"
HITS, MISSES = (500, 480, 470, 5, 5), (500, 50, 5, 0, 0)
BOOKS = ("hunter", "snov", "sixtyfour")
# Tells what was supposed last from what was before.
_numbers = count()


async def known(scene: Scene, provider: str) -> Mapping[str, tuple[int, ...]]:
    rows = await scene.store.call("HGETALL", f"{ROOT}{provider}")
    pairs = zip(rows[::2], rows[1::2], strict=True) if isinstance(rows, list) else rows.items()
    return to_cells(dict(pairs))


async def quote(scene: Scene, **routing: Any) -> dict[str, Any]:
    person = {"full_name": "Somebody Else", "domain": "elsewhere.com"}
    body = {"operation": "emails.find", "input": person, "routing": routing}
    reply = await scene.gateway.post("/v1/quote", body)
    assert reply.status_code == 200, reply.text
    data: dict[str, Any] = reply.json()["data"]
    return data


async def suppose(scene: Scene, cells: Mapping[str, Mapping[str, tuple[int, ...]]]) -> None:
    """Have the gateway know this of providers, by who has missed before."""
    more = next(_numbers)
    for (provider, paths), place in product(cells.items(), PLACES):
        for missed, counts in paths.items():
            text = " ".join(map(str, (counts[0] + more, *counts[1:])))
            for level in levels_of(f"-/{place}/{missed}"):
                await scene.store.call("HSET", f"{ROOT}{provider}", level, text)

    async def has_read() -> bool:
        found = await quote(scene, order="learned", providers=list(cells))
        first = found["steps"][0]
        return bool(first["seen"] == cells[first["provider"]][""][0] + more)

    await until(has_read)


async def explained(scene: Scene, reply: httpx.Response) -> dict[str, Any]:
    name = reply.json().get("meta", reply.json())["request_id"]

    async def kept() -> Any:
        found = await scene.gateway.client.get(f"/v1/explain/{name}")
        return found.json()["data"] if found.status_code == 200 else None

    data: dict[str, Any] = await until(kept)
    return data
