"""What the store holds of a job and its items, as it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.lookup.lookup import Caller
from gateway.lookup.routing import Routing
from gateway.money.amounts import to_money
from gateway.money.terms import Place

JobStatus = Literal["queued", "running", "completed", "cancelled", "failed"]
ItemStatus = Literal["queued", "running", "completed", "cancelled", "failed"]
Outcome = Literal["accepted", "weak", "empty", "failed", "cancelled"]
Lane = Literal["interactive", "bulk"]
STATUSES: Mapping[str, ItemStatus] = {"failed": "failed", "cancelled": "cancelled"}
NOTHING = msgspec.Raw(b"null")
OUTCOMES: tuple[Outcome, ...] = ("accepted", "weak", "empty", "failed", "cancelled")


class Counts(Struct, kw_only=True):
    """`done` are all that ended but the cancelled."""

    total: int = 1
    done: int = 0
    accepted: int = 0
    weak: int = 0
    empty: int = 0
    failed: int = 0
    cancelled: int = 0


class Job(Struct, kw_only=True):
    """A job as its team reads it; `result` is the body the exchange would have had."""

    id: str
    operation: str
    status: JobStatus
    counts: Counts
    cost: str
    currency: str
    created_at: str
    metadata: dict[str, Any] | None = None
    started_at: str | None = None
    finished_at: str | None = None
    result: msgspec.Raw | UnsetType = UNSET


class Request(Struct, kw_only=True):
    """All that is needed to run a job's items; `lookup` is the id of a single one.

    `capped`: the items share a budget of the job's own. `events`: each of them is told of.
    """

    operation: str
    caller: Caller
    routing: Routing | None
    request_id: str
    lookup: str = ""
    currency: str = ""
    tag: str = ""
    after: str | None = None
    credential: str | None = None
    raw: bool = False
    plan: bool = False
    capped: bool = False
    events: bool = False
    skip: int = 0

    @property
    def is_row(self) -> bool:
        """Whether its items are rows that were handed in as a job."""
        return not self.lookup


class Result(Struct, kw_only=True):
    """How an item ended; `body` is what its exchange would have said.

    `persons` are marks of whom it is about, `rows` of the persons in a list that it found;
    `objected` says that it is about someone who objected.
    """

    outcome: Outcome
    cost: int
    body: bytes
    persons: list[str] = []
    rows: list[str] = []
    objected: bool = False


class ItemEvent(Struct, kw_only=True):
    """What a receiver is told of an item that has ended, as its row in the results."""

    job_id: str
    index: int
    status: ItemStatus
    data: msgspec.Raw = NOTHING
    meta: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class Claimed(Struct, frozen=True):
    """An item on loan; `deaths` processes died with it before."""

    job: str
    index: int
    token: str
    deaths: int
    lane: str
    team: str = ""


class Work(Struct, kw_only=True):
    """An item's question (empty once it is erased), what came of it before, and when its job was
    made (ms).
    """

    request: Request
    query: bytes
    progress: bytes | None
    created: int
    cancelled: bool


members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def to_job(name: str, fields: Mapping[str, bytes], result: Result | None = None) -> Job:
    """A job from its hash; only one of a single lookup has a `result`."""
    counted = {each: int(fields.get(each, 0)) for each in ("total", "done", *OUTCOMES)}
    job = Job(
        id=name,
        operation=fields["operation"].decode(),
        status=msgspec.convert(fields["status"].decode(), JobStatus),
        counts=Counts(**counted),
        cost=to_money(int(fields.get("cost", 0))),
        currency=fields["currency"].decode(),
        created_at=_iso(fields.get("created")) or "",
        started_at=_iso(fields.get("started")),
        finished_at=_iso(fields.get("finished")),
    )
    if fields.get("metadata"):
        job.metadata = msgspec.json.decode(fields["metadata"])
    if result is not None and "single" in fields:
        job.result = msgspec.Raw(result.body)
    return job


def to_event(place: Place, result: Result) -> bytes:
    """`job.item.completed`; nothing for an item that was cancelled."""
    if result.outcome == "cancelled":
        return b""
    status = STATUSES.get(result.outcome, "completed")
    event = ItemEvent(job_id=place.job, index=place.item, status=status)
    if status == "failed":
        event.error = msgspec.Raw(result.body)
    else:
        body = members.decode(result.body)
        event.data, event.meta = body["data"], body["meta"]
    return msgspec.json.encode(event)


def to_fields(flat: Sequence[bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _iso(millis: bytes | None) -> str | None:
    if millis is None:
        return None
    moment = datetime.fromtimestamp(int(millis) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
