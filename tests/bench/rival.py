"""One default `httpx.AsyncClient` asking the provider directly; told on standard input how often.

Each line "COUNT WIDTH" makes COUNT calls, WIDTH at a time, and prints their CPU seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httpx

PARAMS = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
HEADERS = {"X-API-KEY": "sim-hunter-key"}


async def call(client: httpx.AsyncClient, url: str) -> None:
    reply = await client.get(url, params=PARAMS, headers=HEADERS)
    if reply.json()["data"]["email"] is None:
        raise SystemExit("the simulator did not know its showcase")


async def campaign(client: httpx.AsyncClient, url: str, count: int, width: int) -> float:
    """CPU seconds of `count` calls."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await call(client, url)

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(width)))
    return time.process_time() - began


async def main(base: str) -> None:
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient() as client:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            count, width = map(int, line.split())
            seconds = await campaign(client, f"{base}/email-finder", count, width)
            sys.stdout.write(f"{seconds}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
