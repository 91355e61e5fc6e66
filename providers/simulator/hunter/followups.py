"""The messages of Hunter's sequences: the first one and those that follow it up."""

from __future__ import annotations

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.hunter.book import SENT, Book, Sequence, Step
from providers.simulator.hunter.replies import bounds, invalid, lost, number_of
from providers.simulator.hunter.sequences import find_sequence
from providers.simulator.wire import NO_CONTENT, Fields, Reply, Request, reply

MOST_STEPS = 6
FORMATS = {"text", "html"}


class FollowUps(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /sequences/{id}/follow-ups": self._list,
            "POST /sequences/{id}/follow-ups": self._add,
            "GET /sequences/{id}/follow-ups/{step}": self._show,
            "PUT /sequences/{id}/follow-ups/{step}": self._update,
            "DELETE /sequences/{id}/follow-ups/{step}": self._delete,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _find(self, call: Call) -> tuple[Sequence, Step]:
        sequence = find_sequence(self._book(call), call.request)
        number = number_of(call.request, "step")
        step = next((step for step in sequence.steps if step.id == number), None)
        if step is None:
            raise lost("Follow-up")
        return sequence, step

    def _list(self, call: Call) -> Reply:
        sequence = find_sequence(self._book(call), call.request)
        limit, offset = bounds(call.request)
        chosen = sequence.steps[offset : offset + limit]
        data = {"follow_ups": [_to_step(sequence, step) for step in chosen]}
        return reply(200, {"data": data, "meta": {"limit": limit, "offset": offset}})

    def _show(self, call: Call) -> Reply:
        return reply(200, {"data": _to_step(*self._find(call))})

    def _add(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        sequence = find_sequence(book, request)
        _check(sequence, request)
        if len(sequence.steps) >= MOST_STEPS:
            raise invalid("Sequence already has too many follow-ups")
        if not request.text("body"):
            raise invalid("Body can't be blank.", "empty_required_field")
        step = Step(book.number("step"), len(sequence.steps), "", "")
        sequence.steps.append(step)
        _write(step, request)
        made = _to_step(sequence, step)
        del made["messages_sent"], made["variant"]
        params = {name: request.fields.get(name) for name in ("step", "wait_days")}
        return reply(201, {"data": {"follow_up": made}, "meta": {"params": params}})

    def _update(self, call: Call) -> Reply:
        sequence, step = self._find(call)
        _check(sequence, call.request)
        _write(step, call.request)
        return reply(200, {"data": _to_step(sequence, step)})

    def _delete(self, call: Call) -> Reply:
        """Only the last one, and only before anything was sent."""
        sequence, step = self._find(call)
        _check(sequence, call.request)
        if step is not sequence.steps[-1] or step.number == 0:
            raise invalid("Only the last follow-up can be deleted.")
        sequence.steps.remove(step)
        return NO_CONTENT


def _check(sequence: Sequence, request: Request) -> None:
    if sequence.active:
        raise invalid("The sequence is active.", "sequence_active")
    if request.text("message_format") and request.text("message_format") not in FORMATS:
        raise invalid("Message format is invalid.", "wrong_field_value")


def _write(step: Step, request: Request) -> None:
    for name in ("subject", "body", "message_format"):
        if name in request.fields:
            setattr(step, name, request.text(name))
    step.wait_days = as_number(request.fields.get("wait_days"), step.wait_days) or step.wait_days


def _to_step(sequence: Sequence, step: Step) -> Fields:
    sent = sum(1 for recipient in sequence.recipients.values() if recipient.status in SENT)
    return {
        "id": step.id,
        "step": step.number,
        "wait_days": step.wait_days,
        "message_format": step.message_format,
        "messages_sent": sent if step.number == 0 else 0,
        "subject": step.subject,
        "body": step.body,
        "variant": None,
    }
