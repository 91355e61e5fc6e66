"""Administrators who add, test and take back objections, and what they then read."""

from __future__ import annotations

from typing import Any

import httpx

from tests.gateway.lookup.scene import Scene

PATH = "/v1/admin/suppressions"


async def suppress(scene: Scene, **identifier: str) -> dict[str, Any]:
    """The record of an objection."""
    reply = await scene.gateway.client.post(PATH, json=identifier)
    assert reply.status_code in (200, 201), reply.text
    found: dict[str, Any] = reply.json()["data"]
    return found


async def suppressions(scene: Scene, **params: str) -> list[dict[str, Any]]:
    reply = await scene.gateway.client.get(PATH, params=params)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


async def lift(scene: Scene, name: str) -> int:
    return (await scene.gateway.client.delete(f"{PATH}/{name}")).status_code


async def post(
    scene: Scene, operation: str, body: dict[str, Any], **headers: str
) -> httpx.Response:
    path = f"/v1/{operation.replace('.', '/')}"
    return await scene.gateway.post(path, body, **headers)


def sent(scene: Scene) -> int:
    """Requests that any provider has seen, signing in left out."""
    counts = scene.simulator.app.traffic.counts
    return sum(number for (_, route), number in counts.items() if "oauth" not in route)
