"""What a receiver reads of an event: in the words of the API, without persons who objected."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.guard.suppression import marks_of_domains, marks_of_person
from gateway.jobs.queue import Queue
from gateway.jobs.records import Job
from gateway.lookup.identity import QueryError
from gateway.lookup.marking import names_at
from gateway.lookup.spelling import clean_domain, clean_email, clean_linkedin_url
from gateway.money.amounts import to_money
from gateway.money.budgets import PPM
from gateway.money.windows import FOREVER, windows_at
from gateway.store.connection import Store
from gateway.vault.roster import to_timestamp


@dataclass(frozen=True)
class Writer:
    """Turns rows of the outbox into bodies; `currency` and `zone` are the installation's."""

    currency: str
    zone: ZoneInfo

    def write(self, event: str, at: int, data: Any) -> bytes:
        """The body of a message; `at` in milliseconds is when it happened."""
        if event == "budget.threshold":
            data = self._threshold(data)
        return msgspec.json.encode(
            {"type": event, "timestamp": to_timestamp(_utc(at)), "data": data}
        )

    def _threshold(self, data: Any) -> dict[str, Any]:
        """The ledger's integers as money."""
        windows = {window.period: window for window in windows_at(int(data["at"]), self.zone)}
        ends = windows[data["period"]].ends
        return {
            "scope": data["scope"],
            "period": data["period"],
            "share": data["share"] / PPM,
            "spent": to_money(int(data["spent"])),
            "limit": to_money(int(data["limit"])),
            "currency": self.currency,
            "resets_at": _utc(ends).isoformat().replace("+00:00", "Z") if ends < FOREVER else None,
        }


def _utc(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


@dataclass
class Found:
    """A person in an event: where, and the identifiers that an objection would match.

    What is `listed` is in a row of a list, or is one.
    """

    holder: Any
    place: Any
    marks: list[str]
    listed: bool


class Withholder:
    """Takes persons who objected out of events, just before they are sent."""

    def __init__(self, store: Store, root: str, key: Callable[[], bytes]):
        self._store = store
        self._root = root
        self._key = key

    async def withhold(self, data: Any) -> Any | None:
        """`data` as it may be sent; None if it is all about someone who objected.

        Rows of lists go alone. Whoever was asked about may be named in the question and in the
        answer, by different identifiers: both go. Raises StoreDown.
        """
        box = [data]
        found = list(_persons(box, 0, self._key()))
        objected = await self._objected(found)
        for person in found:
            if objected.isdisjoint(person.marks):
                continue
            if isinstance(person.holder, list):
                person.holder[person.place] = _GONE
            elif person.listed:
                person.holder[person.place] = None
        single = [one for one in found if isinstance(one.holder, dict) and not one.listed]
        if any(not objected.isdisjoint(one.marks) for one in single):
            for one in single:
                one.holder[one.place] = None
            data["withheld"] = True
        return None if box[0] is _GONE else _without_gone(data)

    async def _objected(self, found: list[Found]) -> set[str]:
        marks = list(dict.fromkeys(mark for person in found for mark in person.marks))
        if not marks:
            return set()
        hits = await self._store.call("SMISMEMBER", f"{self._root}suppressed", *marks)
        return {mark for mark, hit in zip(marks, hits, strict=True) if hit}


Show = Callable[[Job], Awaitable[Job]]


async def show_as_kept(job: Job) -> Job:
    return job


class Composer:
    """What an event tells its receiver when it is sent; `show` is how a job may be shown then."""

    def __init__(self, queue: Queue, withholder: Withholder):
        self.show: Show = show_as_kept
        self._queue = queue
        self._withholder = withholder

    async def compose(self, event: str, team: str, data: Any) -> Any | None:
        """None if it is all about someone who objected. Raises StoreDown."""
        if event == "job.completed":
            data = await self._view(str(data["id"]), team) or data
        return await self._withholder.withhold(data)

    async def _view(self, name: str, team: str) -> Any:
        """The job as GET /v1/jobs/{id} shows it now; None if it is not kept any more."""
        job = await self._queue.load(name, team)
        if job is None:
            return None
        return msgspec.json.decode(msgspec.json.encode(await self.show(job)))


_GONE = object()


def _persons(holder: Any, place: Any, key: bytes, *, listed: bool = False) -> Iterator[Found]:
    """Every object below that names someone, outermost first."""
    value = holder[place]
    if isinstance(value, dict):
        if marks := _marks_of(value, key):
            yield Found(holder, place, marks, listed)
        for name in value:
            yield from _persons(value, name, key, listed=listed)
    elif isinstance(value, list):
        for at in range(len(value)):
            yield from _persons(value, at, key, listed=True)


def _without_gone(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_gone(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_gone(item) for item in value if item is not _GONE]
    return value


NAMED = ("full_name", "first_name", "last_name", "linkedin_url")


def _marks_of(value: dict[str, Any], key: bytes) -> list[str]:
    """By the same rules as those of an answer's row."""
    emails = [_text(value.get("email"), clean_email)]
    many = value.get("emails")
    # Those of a domain are other persons, each with a row of its own.
    if isinstance(many, list) and not value.keys().isdisjoint(NAMED):
        given = [item.get("email") if isinstance(item, dict) else item for item in many]
        emails += [_text(item, clean_email) for item in given]
    profile = _text(value.get("linkedin_url"), clean_linkedin_url)
    known = [email for email in emails if email]
    company = value.get("company")
    company = company if isinstance(company, dict) else {"name": company}
    hosts = [_text(one.get("domain"), clean_domain) for one in (value, company)]
    hosts += [one.rpartition("@")[2] for one in known]
    first, last, full = (
        _text(value.get(name)) for name in ("first_name", "last_name", "full_name")
    )
    names = names_at(first, last, full, [*hosts, _text(company.get("name"))])
    persons = marks_of_person(known, profile, names, key)
    return persons + marks_of_domains(host for host in hosts if "." in host)


def _text(value: Any, clean: Callable[[str, str], str] | None = None) -> str:
    """In the one spelling that marks are made of; '' for anything but text."""
    if not isinstance(value, str):
        return ""
    if clean is not None:
        with contextlib.suppress(QueryError):
            return clean(value, "")
    return value
