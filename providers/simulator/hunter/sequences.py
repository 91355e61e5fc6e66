"""Hunter's campaigns, which its newer paths call sequences: their life and their figures."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.hunter.book import PROGRESS, SENT, Book, Sequence, Step
from providers.simulator.hunter.replies import bounds, instant, invalid, lost, number_of
from providers.simulator.wire import NO_CONTENT, Fields, Reply, Request, reply

SETTINGS = (
    "email_account_ids", "schedule_time_start", "schedule_time_end", "schedule_days", "tracked",
    "tracked_links", "add_unsubscribe_link", "ai_assistant_enabled", "bcc_recipient", "start_at",
)  # fmt: skip
NUMBERS = {"email_account_ids", "schedule_days"}
CLEARABLE = {"bcc_recipient", "start_at"}
SWITCHES = {
    "tracked": True, "tracked_links": False, "add_unsubscribe_link": True,
    "ai_assistant_enabled": False,
}  # fmt: skip
LONGEST_KEY = 255


class Sequences(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /campaigns": lambda call: self._list(call, "campaigns"),
            "GET /sequences": lambda call: self._list(call, "sequences"),
            "POST /sequences": self._create,
            "GET /sequences/{id}": lambda call: _shown(200, self._of(call)),
            "PUT /sequences/{id}": self._update,
            "DELETE /sequences/{id}": self._delete,
            "POST /campaigns/{id}/start": self._start,
            "POST /sequences/{id}/pause": self._pause,
            "DELETE /sequences/{id}/pause": self._resume,
            "POST /sequences/{id}/archive": self._archive,
            "GET /sequences/{id}/stats": self._stats,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _of(self, call: Call) -> Sequence:
        return find_sequence(self._book(call), call.request)

    def _list(self, call: Call, key: str) -> Reply:
        """Without a total."""
        limit, offset = bounds(call.request)
        started, archived = call.request.flag("started"), call.request.flag("archived")
        found = [
            sequence
            for sequence in sorted(self._book(call).sequences.values(), key=lambda s: -s.id)
            if (started is None or sequence.started is started)
            and (archived is None or sequence.archived is archived)
        ]
        rows = [_to_row(s, owner=key == "sequences") for s in found[offset : offset + limit]]
        return reply(200, {"data": {key: rows}, "meta": {"limit": limit, "offset": offset}})

    def _create(self, call: Call) -> Reply:
        """The one endpoint that honours an Idempotency-Key."""
        book, request = self._book(call), call.request
        if not request.text("name"):
            raise invalid("Name can't be blank.", "name_required")
        key = request.header(b"idempotency-key")
        if len(key) > LONGEST_KEY:
            raise invalid("The Idempotency-Key is too long.", "idempotency_key_too_long")
        mark = msgspec.json.encode(_fingerprint(request), order="deterministic").decode()
        if key in book.promised:
            return _again(book, key, mark)
        sequence = Sequence(book.number("sequence"), request.text("name"), datetime.now(UTC))
        _configure(sequence, request)
        book.sequences[sequence.id] = sequence
        if key:
            book.promised[key] = mark, sequence.id
        return _shown(201, sequence)

    def _update(self, call: Call) -> Reply:
        sequence, request = self._of(call), call.request
        locked = [name for name in SETTINGS if name in request.fields]
        if locked and (sequence.started or sequence.archived):
            details = f"Started or archived sequences cannot have {locked[0]} changed via the API."
            raise invalid(details, "sequence_locked")
        sequence.name = request.text("name") or sequence.name
        _configure(sequence, request)
        sequence.updated = datetime.now(UTC)
        return _shown(200, sequence)

    def _delete(self, call: Call) -> Reply:
        sequence = self._of(call)
        if sequence.started or sequence.archived:
            raise invalid("Only draft sequences can be deleted.", "sequence_not_destroyable")
        del self._book(call).sequences[sequence.id]
        return NO_CONTENT

    def _start(self, call: Call) -> Reply:
        """A second start is a success that says so."""
        sequence = self._of(call)
        if sequence.started:
            return reply(200, {"data": {"message": "Sequence already started."}})
        if not sequence.recipients or not sequence.steps:
            raise invalid("The sequence needs recipients and a message.")
        sequence.started = True
        emails = len(sequence.recipients) * len(sequence.steps)
        data = {
            "message": f"{emails} emails scheduled for sending.",
            "recipients_count": len(sequence.recipients),
        }
        return reply(200, {"data": data})

    def _pause(self, call: Call) -> Reply:
        sequence = self._of(call)
        if not sequence.started or sequence.archived:
            raise invalid("Only active sequences can be paused.", "sequence_not_active")
        sequence.paused = True
        return reply(200, {"data": {"id": sequence.id, "paused": True}})

    def _resume(self, call: Call) -> Reply:
        sequence = self._of(call)
        if sequence.archived:
            raise invalid("An archived sequence cannot be resumed.", "sequence_not_active")
        message = "Sequence resumed." if sequence.paused else "Sequence is not paused."
        sequence.paused = False
        return reply(200, {"data": {"message": message}})

    def _archive(self, call: Call) -> Reply:
        sequence = self._of(call)
        if not sequence.started:
            raise invalid("Only started sequences can be archived.", "sequence_not_started")
        sequence.archived = True
        return reply(200, {"data": {"id": sequence.id, "archived": True}})

    def _stats(self, call: Call) -> Reply:
        """Figures of recipients, but for the bounces; steps are figures of messages."""
        sequence = self._of(call)
        figures = _figures(sequence)
        unsubscribed = figures.pop("unsubscribed")
        data = {
            "id": sequence.id,
            "name": sequence.name,
            "recipients_count": len(sequence.recipients),
            **figures,
            "unsubscribed_recipients": unsubscribed,
            **_rates(figures),
            "unsubscribed_recipients_rate": _share(unsubscribed, len(sequence.recipients)),
            "follow_ups": [_to_step(sequence, step) for step in sequence.steps],
        }
        return reply(200, {"data": data})


def find_sequence(book: Book, request: Request) -> Sequence:
    sequence = book.sequences.get(number_of(request))
    if sequence is None:
        raise lost("Sequence", "sequence_not_found")
    return sequence


def _fingerprint(request: Request) -> Fields:
    """Order, repeats and case that do not matter are levelled before bodies are compared."""
    fields = {n: v for n, v in request.fields.items() if n != "api_key" and v is not None}
    for name in ("schedule_days", "email_account_ids"):
        if isinstance(fields.get(name), list):
            fields[name] = sorted({str(item) for item in fields[name]})
    if "bcc_recipient" in fields:
        fields["bcc_recipient"] = str(fields["bcc_recipient"]).lower()
    return fields


def _again(book: Book, key: str, mark: str) -> Reply:
    promised, number = book.promised[key]
    if promised != mark:
        raise invalid("The key was used with another body.", "idempotency_key_mismatch")
    if number not in book.sequences:
        raise invalid("The sequence is gone.", "idempotency_key_consumed")
    return _shown(201, book.sequences[number])


def _configure(sequence: Sequence, request: Request) -> None:
    """A null leaves what was set; of the clearable ones it takes it away."""
    for name in SETTINGS:
        value: Any = request.fields.get(name)
        if name in NUMBERS and value is not None:
            value = [as_number(item, 0) for item in request.texts(name)]
            if None in value:
                raise invalid(f"{name} is invalid.", "wrong_field_value")
        if value is not None or (name in CLEARABLE and name in request.fields):
            sequence.settings[name] = value


def _to_row(sequence: Sequence, *, owner: bool) -> Fields:
    row = {
        "id": sequence.id,
        "name": sequence.name,
        "recipients_count": len(sequence.recipients),
        "editable": True,
        "started": sequence.started,
        "archived": sequence.archived,
        "paused": sequence.paused,
    }
    return {**row, "owner": OWNER} if owner else row


OWNER = {"id": 1, "email": "owner@customer.example"}


def _status(sequence: Sequence) -> str:
    states = (("archived", sequence.archived), ("paused", sequence.paused))
    started = "active" if sequence.started else "draft"
    return next((name for name, holds in states if holds), started)


def _clock(value: Any, default: str) -> str:
    """Seconds of the day, as clients send them, or HH:MM, as they are shown."""
    if isinstance(value, int) or str(value or "").isdigit():
        return f"{int(value) // 3600:02d}:{int(value) % 3600 // 60:02d}"
    return str(value or default)


def _shown(status: int, sequence: Sequence) -> Reply:
    settings = sequence.settings
    data = {
        "id": sequence.id,
        "name": sequence.name,
        "status": _status(sequence),
        "recipients_count": len(sequence.recipients),
        **{name: getattr(sequence, name) for name in ("started", "paused", "archived")},
        "schedule": {
            "start_at": settings.get("start_at"),
            "time_start": _clock(settings.get("schedule_time_start"), "09:00"),
            "time_end": _clock(settings.get("schedule_time_end"), "16:59"),
            "days": settings.get("schedule_days") or [1, 2, 3, 4, 5],
        },
        "settings": {
            **{name: _switch(settings.get(name), default=on) for name, on in SWITCHES.items()},
            "bcc_recipient": settings.get("bcc_recipient"),
        },
        "email_account_ids": settings.get("email_account_ids") or [1],
        "follow_ups": {
            "unique_steps_count": len(sequence.steps),
            "steps": [step.number for step in sequence.steps],
        },
        "owner": OWNER,
        "created_at": instant(sequence.created),
        "updated_at": instant(sequence.updated or sequence.created),
    }
    return reply(status, {"data": data})


def _switch(value: Any, *, default: bool) -> bool:
    return default if value is None else str(value).lower() in {"true", "1"}


def _figures(sequence: Sequence) -> Fields:
    """Whoever replied has clicked, opened and been sent to."""
    counts = Counter(recipient.status for recipient in sequence.recipients.values())
    sent = sum(counts[status] for status in SENT)
    reached = {
        status: sum(counts[later] for later in PROGRESS[place:])
        for place, status in enumerate(PROGRESS)
    }
    return {
        "sent": sent,
        "delivered": sent - counts["bounced"],
        "opened": reached["opened"],
        "clicked": reached["clicked"],
        "replied": reached["replied"],
        "bounced": counts["bounced"],
        "unsubscribed": counts["unsubscribed"],
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _rates(figures: Fields) -> Fields:
    delivered = figures["delivered"]
    return {
        "open_rate": _share(figures["opened"], delivered),
        "click_rate": _share(figures["clicked"], delivered),
        "reply_rate": _share(figures["replied"], delivered),
        "bounce_rate": _share(figures["bounced"], figures["sent"]),
    }


def _to_step(sequence: Sequence, step: Step) -> Fields:
    """In the simulation only the first message ever went out."""
    figures = _figures(sequence) if step.number == 0 else dict.fromkeys(_figures(sequence), 0)
    sent = figures.pop("sent")
    return {
        "id": step.id,
        "step": step.number,
        "variant": None,
        "messages_sent": sent,
        **figures,
        **_rates({**figures, "sent": sent}),
        "unsubscribe_rate": _share(figures["unsubscribed"], figures["delivered"]),
    }
