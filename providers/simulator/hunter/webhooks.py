"""Hunter's webhooks (beta); what it would send is not documented, so nothing is sent."""

from __future__ import annotations

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.hunter.book import Book, Webhook
from providers.simulator.hunter.replies import bounds, invalid, lost, number_of
from providers.simulator.wire import NO_CONTENT, Fields, Reply, reply

EVENTS = (
    "lead.created", "message.sent", "message.read", "message.clicked", "message.replied",
    "export.completed", "import.completed", "sequence.paused", "sequence.resumed",
)  # fmt: skip


class Webhooks(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /webhooks": self._list,
            "POST /webhooks": self._create,
            "GET /webhooks/{id}": lambda call: _shown(200, self._of(call)),
            "PUT /webhooks/{id}": self._update,
            "DELETE /webhooks": self._delete,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _list(self, call: Call) -> Reply:
        limit, offset = bounds(call.request)
        hooks = sorted(self._book(call).webhooks.values(), key=lambda hook: -hook.id)
        meta = {"total": len(hooks), "limit": limit, "offset": offset}
        data = [_to_fields(hook) for hook in hooks[offset : offset + limit]]
        return reply(200, {"status": "success", "data": data, "meta": meta})

    def _create(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        hook = Webhook(0, request.text("target_url"), request.text("event"))
        _check(hook)
        hook.id = book.number("webhook")
        book.webhooks[hook.id] = hook
        return _shown(201, hook)

    def _of(self, call: Call, number: int | None = None) -> Webhook:
        number = number_of(call.request) if number is None else number
        hook = self._book(call).webhooks.get(number)
        if hook is None:
            raise lost("Webhook")
        return hook

    def _update(self, call: Call) -> Reply:
        hook, request = self._of(call), call.request
        url, event = request.text("target_url"), request.text("event")
        changed = Webhook(hook.id, url or hook.target_url, event or hook.event)
        _check(changed)
        self._book(call).webhooks[hook.id] = changed
        return _shown(200, changed)

    def _delete(self, call: Call) -> Reply:
        number = as_number(call.request.fields.get("id"), 0) or 0
        hook = self._of(call, number)
        del self._book(call).webhooks[hook.id]
        return NO_CONTENT


def _check(hook: Webhook) -> None:
    if not hook.target_url.startswith(("http://", "https://")) or len(hook.target_url) > 500:
        raise invalid("Target url is invalid.", "wrong_field_value")
    if hook.event not in EVENTS:
        raise invalid("Event is not included in the list.", "wrong_field_value")


def _to_fields(hook: Webhook) -> Fields:
    return {"id": hook.id, "target_url": hook.target_url, "event": hook.event}


def _shown(status: int, hook: Webhook) -> Reply:
    return reply(status, {"status": "success", "data": _to_fields(hook)})
