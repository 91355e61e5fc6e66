"""Figures of jobs: taken in, kept, worked on beside callers who wait, shared among teams."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gateway.jobs.queue import NewJob
from gateway.lookup.routing import Routing
from tests.gates.works import Works, body_of, routing_of
from tests.gateway.jobs.lending import queue_of, request_of
from tests.gateway.supervisor.processes import Served, until

ROWS = 10_000
UPSTREAM = 0.1
TEAMS = 8
HUNTER = routing_of("hunter")


class Speeds(Struct, kw_only=True):
    """Seconds of callers who wait, and rows a second of a job: alone, and one beside the other."""

    callers_alone: list[float]
    callers_beside: list[float]
    rows_alone: list[float]
    rows_beside: list[float]

    @property
    def callers(self) -> float:
        """The 95th percentile beside a job, in terms of that without one."""
        return percentile(self.callers_beside) / percentile(self.callers_alone)

    @property
    def rows(self) -> float:
        """The pace of a job beside callers, in terms of its own."""
        return statistics.mean(self.rows_beside) / statistics.mean(self.rows_alone)


def strangers(size: int, name: str = "Row") -> list[dict[str, str]]:
    """Questions about people whom nobody knows, no two of them alike."""
    return [
        {"full_name": f"{name} Number{at}", "domain": f"company{at % 997}.example"}
        for at in range(size)
    ]


async def hand_in(site: Works, items: list[Any], **headers: str) -> str:
    body = {"operation": "emails.find", "items": items, "routing": HUNTER}
    reply = await site.call("POST", "/v1/jobs", body, **headers)
    return str(reply["data"]["id"])


async def taking_in(site: Works, times: int = 3) -> float:
    """Seconds until a job of 10,000 rows is there; the best of some, as nobody works on them."""
    found = []
    for number in range(times):
        items = strangers(ROWS, f"Taken{number}")
        began = time.monotonic()
        job = await hand_in(site, items)
        found.append(time.monotonic() - began)
        await site.call("DELETE", f"/v1/jobs/{job}")
    return min(found)


async def memory_of_rows(site: Works, jobs: int = 10) -> float:
    """Bytes of the store's memory for each queued row."""
    before = await used_memory(site)
    for number in range(jobs):
        await hand_in(site, strangers(ROWS, f"Kept{number}"))
    return (await used_memory(site) - before) / (jobs * ROWS)


async def used_memory(site: Works) -> int:
    text = (await site.store.call("INFO", "memory")).decode()
    [line] = [line for line in text.splitlines() if line.startswith("used_memory:")]
    return int(line.partition(":")[2])


async def first_result(site: Works) -> float:
    """Seconds from the first answer of the provider until its row can be read."""
    await put_upstream(site, 0.5)
    job = await hand_in(site, [body_of(one) for one in await site.people(100, "hunter")])

    async def first() -> Any:
        rows = await site.rows_of(job)
        return any(row["status"] == "completed" for row in rows) and time.monotonic()

    seen: float = await until(first, 30, "a result")
    visits = (await site.control.get("/requests", provider="hunter"))["requests"]
    answered: float = min(visit["departed"] for visit in visits if visit["departed"])
    await site.call("DELETE", f"/v1/jobs/{job}")
    return seen - answered


async def put_upstream(site: Works, seconds: float) -> None:
    await site.control.put("/latency", {"profile": "zero", "call_seconds": seconds})


async def speeds(site: Works, gateway: Served, *, rounds: int, calls: int) -> Speeds:
    """Of callers and of a long job in one process, before a provider that takes 100 ms.

    In turns, so that a drift of the machine meets all alike.
    """
    await put_upstream(site, UPSTREAM)
    questions = iter(strangers((2 * rounds + 1) * calls, "Caller"))
    found = Speeds(callers_alone=[], callers_beside=[], rows_alone=[], rows_beside=[])
    await latencies(gateway, questions, calls)
    for number in range(rounds):
        began = time.monotonic()
        found.callers_alone += await latencies(gateway, questions, calls)
        seconds = time.monotonic() - began
        job = await hand_in(site, strangers(ROWS, f"Speed{number}"))
        await asyncio.sleep(0.5)
        found.rows_alone.append(await pace(site, job, asyncio.sleep(seconds)))
        calling = asyncio.create_task(latencies(gateway, questions, calls))
        found.rows_beside.append(await pace(site, job, calling))
        found.callers_beside += await calling
        assert not (await site.job(job))["finished_at"], "the job was too short"
        await site.call("DELETE", f"/v1/jobs/{job}")
        await asyncio.sleep(0.5)
    return found


async def latencies(gateway: Served, questions: Iterator[Any], calls: int) -> list[float]:
    """Of four callers who ask one after the other."""
    found: list[float] = []

    async def call(times: int) -> None:
        for _ in range(times):
            body = {**next(questions), "routing": HUNTER}
            began = time.perf_counter()
            reply = await gateway.client.post("/v1/emails/find", json=body)
            found.append(time.perf_counter() - began)
            assert reply.status_code == 200, reply.text

    await asyncio.gather(*(call(calls // 4) for _ in range(4)))
    return found


def percentile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


async def pace(site: Works, job: str, meanwhile: Awaitable[Any]) -> float:
    """Rows a second while something else runs."""
    began, before = time.monotonic(), (await site.job(job))["counts"]["done"]
    await meanwhile
    done = (await site.job(job))["counts"]["done"] - before
    return float(done) / (time.monotonic() - began)


async def fairness(site: Works, rows: int) -> float:
    """Jain's index over the rows of eight teams when the first of their jobs is over.

    Their jobs lie there when the worker starts: who came first is not to be served first.
    """
    await put_upstream(site, UPSTREAM)
    queue, jobs = queue_of(site.store), []
    for team in range(TEAMS):
        queries = [msgspec.json.encode(item) for item in strangers(rows, f"Team{team}")]
        request = request_of(f"team{team}")
        request.routing = msgspec.convert(HUNTER, Routing)
        made = NewJob(id=f"job_fair{team}", request=request, queries=queries, results={})
        jobs.append(await queue.open(made))
    await site.start("worker")

    async def counts() -> list[int]:
        found = [await queue.load(job) for job in jobs]
        return [job.counts.done for job in found if job is not None]

    async def one_is_over() -> Any:
        done = await counts()
        return max(done) >= rows and done

    return jain(await until(one_is_over, 120, "a team's end"))


def jain(shares: list[int]) -> float:
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


async def growth(site: Works, worker: Served, small: int, large: int) -> tuple[int, int]:
    """The most memory (KiB) that a worker had after a small job, and after a large one."""
    await put_upstream(site, 0)
    found = []
    for rows in (small, large):
        job = await hand_in(site, strangers(rows, f"Grown{rows}"))
        await site.ended(job, 300)
        found.append(resident(site.workers_of(worker)[0]))
    return found[0], found[1]


def resident(pid: int) -> int:
    """The most KiB that were resident at once."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")
