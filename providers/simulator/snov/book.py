"""What an account keeps at Snov.io: prospects in lists, campaigns with events, webhooks."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from providers.simulator.population import Person
from providers.simulator.world import World

FIRST_DAY = datetime(2026, 2, 2, 8, 30, tzinfo=UTC)
SEEDED_PROSPECTS = 24
SEEDED_FIELDS = (("company", "string"), ("Project name", "string"), ("Budget", "number"))
SEEDED_CAMPAIGNS = (
    ("Zipari - Salesforce Developer", "Active"),
    ("My top campaign", "Paused"),
    ("Test campaign", "Draft"),
)
DO_NOT_EMAIL_LIST = 3001
USER_ID = 1313777


@dataclass(slots=True)
class ProspectList:
    id: int
    name: str
    created: datetime
    deleted: datetime | None = None


@dataclass(slots=True)
class Prospect:
    """`fields` as they were sent; `person` is who it is, if it is anybody."""

    id: str
    email: str
    fields: dict[str, Any]
    updated: datetime
    person: Person | None = None
    list_ids: list[int] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, str]:
        first, last = self.fields.get("firstName") or "", self.fields.get("lastName") or ""
        if not first and not last:
            first, _, last = str(self.fields.get("fullName") or "").partition(" ")
        return first, last

    @property
    def name(self) -> str:
        return str(self.fields.get("fullName") or " ".join(self.names).strip())


@dataclass(slots=True)
class Event:
    """`kind` is sent, opened, clicked, replied or finished."""

    kind: str
    prospect: Prospect
    at: datetime


@dataclass(slots=True)
class Campaign:
    """`statuses` of recipients by address: Active, Paused, Unsubscribed, Finished."""

    id: int
    name: str
    list_id: int
    status: str
    created: datetime
    started: datetime | None
    statuses: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def hash(self) -> str:
        return digest(f"campaign:{self.id}")[:32]

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


@dataclass(slots=True)
class Webhook:
    id: int
    end_point: str
    event_object: str
    event_action: str
    created: datetime
    status: str = "active"


def digest(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


class Book:
    def __init__(self, world: World) -> None:
        self.world = world
        self.lists: dict[int, ProspectList] = {}
        self.prospects: dict[str, Prospect] = {}
        self.campaigns: dict[int, Campaign] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.blocked: dict[int, set[str]] = {DO_NOT_EMAIL_LIST: {"blocked.example"}}
        self.fields: dict[str, str] = dict(SEEDED_FIELDS)
        self._numbers = {"list": count(1001), "campaign": count(2001), "webhook": count(1)}
        self._serial = count(1)
        self._seed()

    @property
    def contacted(self) -> int:
        """Recipients that were written to."""
        return len({e.prospect.email for c in self.campaigns.values() for e in c.of_kind("sent")})

    def add_list(self, name: str, created: datetime | None = None) -> ProspectList:
        number = next(self._numbers["list"])
        made = ProspectList(number, name, created or datetime.now(UTC))
        self.lists[number] = made
        return made

    def add_prospect(self, email: str, fields: dict[str, Any], list_id: int) -> Prospect:
        raw = hashlib.sha256(f"prospect:{next(self._serial)}".encode()).digest()[:16]
        prospect = Prospect(
            urlsafe_b64encode(raw).decode(), email, fields, datetime.now(UTC),
            self.world.person(email=email), [list_id],
        )  # fmt: skip
        self.prospects[prospect.id] = prospect
        return prospect

    def prospects_of(self, email: str) -> list[Prospect]:
        wanted = email.casefold()
        return [p for p in self.prospects.values() if p.email.casefold() == wanted]

    def members(self, list_id: int) -> list[Prospect]:
        """The latest first."""
        return [p for p in reversed(self.prospects.values()) if list_id in p.list_ids]

    def add_webhook(self, end_point: str, event_object: str, event_action: str) -> Webhook:
        number = next(self._numbers["webhook"])
        made = Webhook(number, end_point, event_object, event_action, datetime.now(UTC))
        self.webhooks[number] = made
        return made

    def _seed(self) -> None:
        for index, name in enumerate(("FirstSend", "People List", "All prospects")):
            self.add_list(name, FIRST_DAY + timedelta(days=index))
        self.lists[1003].deleted = FIRST_DAY + timedelta(days=60)
        people = (p for p in self.world.people if not p.claimed and self.world.known("snov", p))
        for index, person in zip(range(SEEDED_PROSPECTS), people, strict=False):
            self._seed_prospect(index, person)
        for index, (name, status) in enumerate(SEEDED_CAMPAIGNS):
            self._seed_campaign(index, name, status)
        for action in ("sent", "opened"):
            self.add_webhook(f"https://hooks.customer.example/{action}", "campaign_email", action)
        for webhook in self.webhooks.values():
            webhook.created = FIRST_DAY

    def _seed_prospect(self, index: int, person: Person) -> None:
        fields = {
            "firstName": person.first_name,
            "lastName": person.last_name,
            "country": person.company.country,
            "locality": person.company.city,
            "position": person.job_title,
            "companyName": person.company.name,
            "companySite": f"https://{person.company.domain}",
            "socialLinks": {"linkedIn": person.linkedin_url} if person.linkedin_url else {},
        }
        prospect = self.add_prospect(person.email, fields, 1001 + index % 2)
        prospect.updated = FIRST_DAY + timedelta(days=10, hours=index)

    def _seed_campaign(self, index: int, name: str, status: str) -> None:
        number, created = next(self._numbers["campaign"]), FIRST_DAY + timedelta(days=20 + index)
        started = created + timedelta(hours=1) if status != "Draft" else None
        campaign = Campaign(number, name, 1001 + index % 2, status, created, started)
        self.campaigns[number] = campaign
        for place, prospect in enumerate(reversed(self.members(campaign.list_id))):
            finished = started is not None and place % 3 == 0
            campaign.statuses[prospect.email] = "Finished" if finished else "Active"
            if started is not None:
                self._seed_events(campaign, prospect, place)

    def _seed_events(self, campaign: Campaign, prospect: Prospect, place: int) -> None:
        """Two in three open, half of those click, a third reply, a third have finished."""
        kinds = {
            "sent": True, "opened": place % 3 != 1, "clicked": place % 6 in {0, 2},
            "replied": place % 3 == 2, "finished": place % 3 == 0,
        }  # fmt: skip
        assert campaign.started is not None
        for step, (kind, happened) in enumerate(kinds.items()):
            at = campaign.started + timedelta(days=place, hours=step, seconds=46)
            campaign.events += [Event(kind, prospect, at)] if happened else []
