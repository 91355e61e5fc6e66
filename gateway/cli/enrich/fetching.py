"""A job's answers in the order of its items, each once it and all before it are there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from gateway.cli.client import Gateway, Pause, Reply
from gateway.cli.failure import FAILED, Failure, dicts
from gateway.cli.following import JobRecord, follow, path_of

PAGE = 500


@dataclass(slots=True)
class Answers:
    """From item `at` on; `ahead` is told how many more are answered behind an open one."""

    gateway: Gateway
    job: str
    pause: Pause
    at: int
    ahead: Callable[[int], None]

    async def read(self) -> AsyncGenerator[Reply, None]:
        record: JobRecord = {}
        async with aclosing(follow(self.gateway, self.job, self.pause)) as changes:
            async for record in changes:
                async for reply in self._read_ended():
                    yield reply
                self.ahead(max(0, count(record, "done") - self.at))
        if (left := count(record, "total") - self.at) > 0:
            raise Failure(f"{self.job} has ended, but {left} of its rows have no answer", FAILED)

    async def _read_ended(self) -> AsyncGenerator[Reply, None]:
        """Up to an item without an end; it is asked for alone while it keeps others waiting."""
        limit = 1
        while rows := await self._read_page(limit):
            for row in rows:
                reply = to_reply(row)
                if reply is None:
                    return
                self.at += 1
                yield reply
            limit = PAGE

    async def _read_page(self, limit: int) -> list[Mapping[str, Any]]:
        path, params = f"{path_of(self.job)}/results", {"start": str(self.at), "limit": str(limit)}
        reply = await self.gateway.ask_patiently(
            lambda: self.gateway.send("GET", path, params=params), self.pause
        )
        return dicts(self.gateway.expect(reply).body.get("data"))


def count(job: JobRecord, name: str) -> int:
    return int((job.get("counts") or {}).get(name) or 0)


def to_reply(row: Mapping[str, Any]) -> Reply | None:
    """A result as its own call would have said it; none as long as there is no end."""
    match row.get("status"):
        case "completed":
            return Reply(200, {"data": row.get("data"), "meta": row.get("meta") or {}})
        case "failed":
            error = dict(row.get("error") or {"title": "Lookup failed"})
            return Reply(int(error.get("status") or 500), error)
        case "cancelled":
            return Reply(409, {"title": "Cancelled with its job", "code": "cancelled"})
    return None
