"""Whoever a process that ends can't wait for any longer is told so, as of every failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tests.gateway.api.replies import check_problem, problem_of
from tests.gateway.conftest import ADMIN_KEY, Gateway
from tests.gateway.lookup.scene import until

FINDER = "/native/hunter/email-finder"
ADA = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
HALF = (
    b"POST /v1/emails/find HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Authorization: Bearer %b\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{"
) % ADMIN_KEY.encode()


async def interrupt(path: str, *, when: Callable[[], bool] = lambda: True) -> None:
    """As the server does with what is not done in time."""

    def serving() -> list[asyncio.Task[Any]]:
        tasks = [task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]
        return [task for task in tasks if path_of(task) == path and when()]

    async def found() -> list[asyncio.Task[Any]]:
        return serving()

    for task in await until(found):
        task.cancel()


def path_of(task: Any) -> str:
    return str(task.get_coro().cr_frame.f_locals["self"].scope["path"])


async def test_a_native_call_that_is_cut_short_is_refused_by_the_gateway(gateway: Gateway) -> None:
    assert gateway.simulator is not None
    traffic = gateway.simulator.app.traffic
    await gateway.simulator.control.put("/latency", {"profile": "zero", "call_seconds": 2})
    call = asyncio.create_task(gateway.client.get(FINDER, params=ADA))
    await interrupt(FINDER, when=lambda: traffic.peak > 0)
    reply = await call
    told = problem_of(reply, 502, "all_providers_failed")
    assert reply.headers["x-gateway-refused"] == "1"
    assert "may have been charged" in told["detail"]

    async def entries() -> Any:
        found = (await gateway.client.get("/v1/admin/ledger")).json()["data"]
        return [one["state"] for one in found] == ["in_doubt"]

    await until(entries)


async def test_a_body_that_did_not_come_in_time_is_a_problem(gateway: Gateway) -> None:
    host, _, port = gateway.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(HALF)
    await interrupt("/v1/emails/find")
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    assert b"application/problem+json" in head
    told = msgspec.json.decode(body)
    check_problem(told, 500, "internal_error", told["request_id"])
