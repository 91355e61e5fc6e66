"""Results that were stored, as they may be shown now: without those who objected since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain

import msgspec

from gateway.api.problems import of_error
from gateway.jobs.queue import Queue
from gateway.jobs.records import Job, Result
from gateway.lookup.desk import Desk
from gateway.lookup.endings import Objected
from gateway.lookup.withholding import struck, withhold
from providers.model import ANSWERS

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def objected(
    desk: Desk, results: Sequence[Result], others: Iterable[str] = ()
) -> frozenset[str]:
    """The marks among those of the results, and the others, that an objection has.

    Raises StoreDown.
    """
    marks = (mark for one in results for mark in (*one.persons, *one.rows))
    return await struck(desk.store, desk.root, chain(marks, others))


async def show_body(
    desk: Desk, operation: str, result: Result, hidden: Collection[str]
) -> tuple[bytes, bool]:
    """The body of a result, and whether it is one of its own.

    It is that of an objection if the person it is about has objected; rows of those who did go
    alone, and with them the replies that they were read from.
    """
    if any(mark in hidden for mark in result.persons):
        return of_error(Objected()).body(""), False
    if not any(mark in hidden for mark in result.rows):
        return result.body, True
    body = _members.decode(result.body)
    data = msgspec.json.decode(body["data"], type=ANSWERS[operation] | None)
    kept = await withhold(desk.store, desk.root, data, desk.data_key.value)
    meta = _parts.decode(body["meta"])
    meta.pop("raw", None)
    return msgspec.json.encode({**body, "data": kept, "meta": meta}), True


async def shown(desk: Desk, queue: Queue, job: Job) -> Job:
    """The job of a single lookup with its result as it may be shown now. Raises StoreDown."""
    if not isinstance(job.result, msgspec.Raw):
        return job
    [result] = await queue.results(job.id, [0])
    if result is not None:
        hidden = await objected(desk, [result])
        body, _ = await show_body(desk, job.operation, result, hidden)
        job.result = msgspec.Raw(body)
    return job
