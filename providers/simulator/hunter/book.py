"""What an account keeps at Hunter: leads, lists, attributes, sequences, webhooks and keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from providers.simulator.population import Person
from providers.simulator.world import World

FIRST_DAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SEEDED_LEADS = 40
SEEDED_LISTS = ("My first list", "Trade fair", "Newsletter", "Nobody yet")
SENT = {"sent", "opened", "clicked", "replied", "bounced", "unsubscribed"}
# Each status implies those before it; a bounce or an opt-out implies only the first.
PROGRESS = ("sent", "opened", "clicked", "replied")


@dataclass(slots=True)
class LeadsList:
    id: int
    name: str
    created: datetime


@dataclass(slots=True)
class Attribute:
    id: int
    label: str
    slug: str


@dataclass(slots=True)
class Lead:
    """`fields` as they are sent and shown; `custom` by the slugs of attributes."""

    id: int
    email: str
    fields: dict[str, Any]
    created: datetime
    list_ids: list[int] = field(default_factory=list)
    custom: dict[str, str] = field(default_factory=dict)
    verified: tuple[str, str] | None = None
    sending_status: str | None = None
    sync_status: str | None = None
    contacted: datetime | None = None


@dataclass(slots=True)
class Recipient:
    email: str
    lead_id: int
    status: str = "pending"


@dataclass(slots=True)
class Step:
    """Number 0 is the first message, the others follow it up."""

    id: int
    number: int
    subject: str
    body: str
    wait_days: int = 3
    message_format: str = "html"


@dataclass(slots=True)
class Sequence:
    id: int
    name: str
    created: datetime
    started: bool = False
    paused: bool = False
    archived: bool = False
    recipients: dict[str, Recipient] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    updated: datetime | None = None

    @property
    def active(self) -> bool:
        return self.started and not self.paused and not self.archived


@dataclass(slots=True)
class Webhook:
    id: int
    target_url: str
    event: str


@dataclass(slots=True)
class Key:
    id: int
    name: str | None
    token: str
    created: datetime


class Book:
    """Numbers go on rising: what was deleted does not lend its id to another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.leads: dict[int, Lead] = {}
        self.lists: dict[int, LeadsList] = {}
        self.attributes: dict[int, Attribute] = {}
        self.sequences: dict[int, Sequence] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.keys: dict[int, Key] = {}
        self.promised: dict[str, tuple[str, int]] = {}
        self.sizes: Counter[int] = Counter()
        self._by_email: dict[str, int] = {}
        self._numbers = {name: count(1) for name in ("lead", "list", "attribute", "sequence",
                                                     "step", "webhook", "key")}  # fmt: skip
        self._seed()

    def number(self, kind: str) -> int:
        return next(self._numbers[kind])

    def lead_of(self, email: str) -> Lead | None:
        return self.leads.get(self._by_email.get(email.casefold(), 0))

    def add_lead(self, email: str, fields: dict[str, Any], list_ids: list[int]) -> Lead:
        lead = Lead(self.number("lead"), email, fields, datetime.now(UTC))
        self.leads[lead.id] = lead
        self.file(lead, list_ids)
        self._by_email[email.casefold()] = lead.id
        return lead

    def rename_lead(self, lead: Lead, email: str) -> None:
        self._by_email.pop(lead.email.casefold(), None)
        lead.email = email
        self._by_email[email.casefold()] = lead.id

    def file(self, lead: Lead, list_ids: list[int]) -> None:
        """Into these lists, and out of those it was in."""
        self.sizes.subtract(lead.list_ids)
        lead.list_ids = list_ids
        self.sizes.update(list_ids)

    def drop_lead(self, lead: Lead) -> None:
        self.file(lead, [])
        del self.leads[lead.id]
        self._by_email.pop(lead.email.casefold(), None)

    def leads_in(self, list_id: int) -> list[Lead]:
        """The latest first."""
        return [lead for lead in reversed(self.leads.values()) if list_id in lead.list_ids]

    @property
    def current_list(self) -> list[int]:
        """Where a lead goes that names no list: the one made last."""
        return [max(self.lists)] if self.lists else []

    def add_list(self, name: str, created: datetime | None = None) -> LeadsList:
        made = LeadsList(self.number("list"), name, created or datetime.now(UTC))
        self.lists[made.id] = made
        return made

    def add_attribute(self, label: str) -> Attribute:
        slug = "_".join("".join(c if c.isalnum() else " " for c in label.lower()).split())
        made = Attribute(self.number("attribute"), label, slug)
        self.attributes[made.id] = made
        return made

    def _seed(self) -> None:
        for index, name in enumerate(SEEDED_LISTS):
            self.add_list(name, FIRST_DAY + timedelta(days=index))
        for label in ("Campaign ID", "Customer ID", "Region"):
            self.add_attribute(label)
        for index, person in enumerate(self._people()):
            self._seed_lead(index, person)
        for index in range(5):
            self._seed_sequence(index)
        for event in ("lead.created", "message.sent", "message.replied"):
            number = self.number("webhook")
            url = f"https://hooks.customer.example/{event}"
            self.webhooks[number] = Webhook(number, url, event)

    def _people(self) -> list[Person]:
        known = self.world.known
        people = (p for p in self.world.people if not p.claimed and known("hunter", p))
        return [person for person, _ in zip(people, range(SEEDED_LEADS), strict=False)]

    def _seed_lead(self, index: int, person: Person) -> None:
        company = person.company
        fields = {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "position": person.job_title if index % 5 else None,
            "company": company.name,
            "company_industry": company.industry if index % 4 else None,
            "company_size": f"{company.band} employees",
            "confidence_score": 90 + index % 10,
            "website": company.domain,
            "country_code": company.country_code,
            "source": "Domain Search" if index % 2 else None,
            "linkedin_url": person.linkedin_url,
            "phone_number": person.phone if index % 3 == 0 else None,
        }
        list_id = 1 if index < 20 else 2 + index % 2
        lead = self.add_lead(person.email, fields, [list_id] if index % 13 else [])
        lead.created = FIRST_DAY + timedelta(days=10, hours=index)
        # The status of a lead's check speaks the deprecated words of the verifier as well.
        words = ("valid", "deliverable", "accept_all", None)
        word = words[index % 4]
        lead.verified = ("2026-01-20 12:00:00 UTC", word) if word else None
        lead.custom = {"customer_id": f"cus-{1000 + index}"} if index % 3 == 0 else {}
        lead.sync_status = ("success", None, "pending", "error")[index % 4]

    def _seed_sequence(self, index: int) -> None:
        """Paused, active, draft, archived, and a draft with nothing in it."""
        number = self.number("sequence")
        names = ("Long-term customers upsell", "January tourism CTO outreach", "Spring fair",
                 "Last year's webinar", "Untitled")  # fmt: skip
        sequence = Sequence(
            number, names[index], FIRST_DAY + timedelta(days=30 + index),
            started=index in {0, 1, 3}, paused=index == 0, archived=index == 3,
        )  # fmt: skip
        self.sequences[number] = sequence
        if index == 4:
            return
        sequence.steps = [
            Step(self.number("step"), 0, "Quick question", "<p>Hello {{first_name}}</p>", 0),
            Step(self.number("step"), 1, "Re: Quick question", "<p>Any thoughts?</p>"),
        ]
        for place, lead in enumerate(list(self.leads.values())[index * 8 : index * 8 + 8]):
            self._seed_recipient(sequence, lead, place)

    def _seed_recipient(self, sequence: Sequence, lead: Lead, place: int) -> None:
        outcomes = ("sent", "opened", "replied", "pending", "clicked", "bounced", "unsubscribed")
        status = outcomes[place % len(outcomes)] if sequence.started else "pending"
        sequence.recipients[lead.email] = Recipient(lead.email, lead.id, status)
        lead.sending_status = status
        if status in SENT:
            lead.contacted = sequence.created + timedelta(days=1)
