"""Jobs of paper: what the contract says of them, in as few words; every row handed in is kept."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

MOST = 1000


@dataclass
class PaperJob:
    """`items` as they were handed in; the first `done` of them are answered."""

    id: str
    items: list[dict[str, Any]]
    body: dict[str, Any]
    done: int = 0
    cancelled: bool = False

    @property
    def status(self) -> str:
        if self.cancelled:
            return "cancelled"
        return "completed" if self.done == len(self.items) else "running"

    def view(self, failed: int = 0) -> dict[str, Any]:
        counts = dict.fromkeys(("weak", "empty", "cancelled"), 0)
        counts |= {"total": len(self.items), "done": self.done, "failed": failed}
        counts["accepted"] = self.done - failed
        if self.cancelled:
            counts["cancelled"] = len(self.items) - self.done
        return {
            "id": self.id,
            "operation": self.body["operation"],
            "status": self.status,
            "counts": counts,
            "cost": "0.079",
            "currency": "USD",
            "metadata": self.body.get("metadata"),
            "created_at": "2026-11-01T09:00:00.000Z",
            "started_at": None,
            "finished_at": None,
        }


@dataclass
class PaperJobs:
    """The `answer` of a `Paper`. With `pace` so many rows more are answered at each look."""

    paper: Any
    pace: int | None = None
    events: bool = False
    jobs: dict[str, PaperJob] = field(default_factory=dict)
    keys: dict[str, tuple[Any, str]] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()
    doubt: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(self, seen: Any) -> Any:
        parts = seen.path.strip("/").split("/")
        if parts[:2] != ["v1", "jobs"]:
            return await self.paper.accept(seen)
        if seen.method == "POST":
            return self.open(seen)
        if len(parts) == 2:
            return self.list(seen)
        job = self.jobs.get(parts[2])
        if job is None:
            return self.paper.problem(404, "not_found", detail="There is no such job.")
        if seen.method == "DELETE":
            job.cancelled = True
        if parts[3:] == ["results"]:
            return self.results(job, seen)
        if parts[3:] == ["events"]:
            return self.stream(job)
        return self.told(job)

    def open(self, seen: Any) -> Any:
        key = seen.headers.get("idempotency-key", f"none {len(self.jobs)}")
        with self.lock:
            body, name = self.keys.setdefault(key, (seen.body, f"job_{len(self.keys)}"))
            if body != seen.body:
                return self.paper.problem(422, "idempotency_mismatch")
            if name not in self.jobs:
                self.jobs[name] = PaperJob(name, seen.body["items"], seen.body)
        return self.paper.told(202, {"data": self.jobs[name].view(), "meta": {}})

    def list(self, seen: Any) -> Any:
        rows = [job.view() for job in reversed(self.jobs.values())]
        size = int(parse_qs(seen.query)["limit"][0])
        start = int(parse_qs(seen.query).get("cursor", ["0"])[0])
        after = str(start + size) if start + size < len(rows) else None
        page = rows[start : start + size]
        return self.paper.told(200, {"data": page, "meta": {"next_cursor": after}})

    def advance(self, job: PaperJob) -> None:
        pace = len(job.items) if self.pace is None else self.pace
        if not job.cancelled:
            job.done = min(len(job.items), job.done + pace)

    def told(self, job: PaperJob) -> Any:
        self.advance(job)
        return self.paper.told(200, {"data": self.view(job), "meta": {}})

    def view(self, job: PaperJob) -> dict[str, Any]:
        failed = sum(item.get("domain") in self.wrong for item in job.items[: job.done])
        return job.view(failed)

    def stream(self, job: PaperJob) -> Any:
        """Events up to the end; without `events`, one that is cut off before it."""
        text = b""
        while not text or (self.events and self.pace != 0 and job.status == "running"):
            self.advance(job)
            name = "end" if job.status != "running" else "progress"
            text += f"event: {name}\ndata: {json.dumps(self.view(job))}\n\n".encode()
        return self.paper.told(200, b": hello\n\n" + text, {"content-type": "text/event-stream"})

    def results(self, job: PaperJob, seen: Any) -> Any:
        query = parse_qs(seen.query)
        first = int(query.get("start", query.get("cursor", ["0"]))[0])
        rows = [self.row(job, at) for at in range(first, len(job.items))]
        accept = seen.headers["accept"]
        if accept == "text/csv":
            lines = [f'{row["index"]},"{row["status"]}\n"\n' for row in rows]
            text = "".join(["index,status\n", *lines])
            return self.paper.told(200, text.encode(), {"content-type": "text/csv"})
        if accept == "application/x-ndjson":
            text = "".join(json.dumps(row) + "\n" for row in rows)
            return self.paper.told(200, text.encode(), {"content-type": accept})
        size = int(query.get("limit", ["25"])[0])
        assert 1 <= size <= MOST
        after = str(first + size) if len(rows) > size else None
        return self.paper.told(200, {"data": rows[:size], "meta": {"next_cursor": after}})

    def row(self, job: PaperJob, at: int) -> dict[str, Any]:
        item = job.items[at]
        row = {"index": at, "input": item, "data": None, "meta": None, "error": None}
        if at >= job.done:
            return {**row, "status": "cancelled" if job.cancelled else "queued"}
        if item.get("domain") in self.wrong:
            error = self.paper.problem(402, "budget_exhausted").body
            return {**row, "status": "failed", "error": {**error, "in_doubt": self.doubt}}
        return {**row, "status": "completed", **self.paper.found(item)}

    def handed(self) -> Counter[str]:
        """How often each domain was handed in."""
        return Counter(item["domain"] for job in self.jobs.values() for item in job.items)
