"""Snov.io's webhooks: `endpoint_url` goes in, `end_point` comes out, and lists wrap twice."""

from __future__ import annotations

from typing import Any

import msgspec

from providers.simulator.accounts import Account
from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.snov.book import USER_ID, Book, Webhook
from providers.simulator.snov.replies import lost, wrong
from providers.simulator.stage import Stage
from providers.simulator.wire import Fields, Reply, reply

# The last line is of the newer edition.
ACTIONS = {
    "campaign_email": {"sent", "first_sent", "opened", "bounced", "clicked"},
    "campaign_reply": {"received", "first_received", "autoreply_received"},
    "email_verification": {"verified"},
}
STATUSES = {"active", "deactivated"}
MOST = 50


class Webhooks(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /v2/webhooks": self._list,
            "POST /v2/webhooks": self._add,
            "PUT /v2/webhooks/{id}": self._change,
            "DELETE /v2/webhooks/{id}": self._delete,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _list(self, call: Call) -> Reply:
        hooks = self._book(call).webhooks.values()
        meta = {"webhooks_count": len(hooks), "user_id": USER_ID}
        return reply(200, {"data": [{"data": _to_fields(h)} for h in hooks], "meta": meta})

    def _add(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        url, event_object, event_action = (
            request.text(name) for name in ("endpoint_url", "event_object", "event_action")
        )
        if not url.startswith(("http://", "https://")):
            raise wrong("The endpoint_url field must be a valid URL")
        if event_action not in ACTIONS.get(event_object, ()):
            raise wrong("The selected event_object or event_action is invalid")
        if len(book.webhooks) >= MOST:
            raise wrong("You have reached the limit of webhooks")
        return _shown(book.add_webhook(url, event_object, event_action))

    def _of(self, call: Call) -> Webhook:
        hook = self._book(call).webhooks.get(as_number(call.request.segments["id"], 0) or 0)
        if hook is None:
            raise lost()
        return hook

    def _change(self, call: Call) -> Reply:
        hook, status = self._of(call), call.request.text("status")
        if status not in STATUSES:
            raise wrong("The selected status is invalid")
        hook.status = status
        return _shown(hook)

    def _delete(self, call: Call) -> Reply:
        hook = self._of(call)
        del self._book(call).webhooks[hook.id]
        return reply(200, {"data": {"success": True}})


def _to_fields(hook: Webhook) -> Fields:
    return {
        "id": hook.id,
        "end_point": hook.end_point,
        "event_object": hook.event_object,
        "event_action": hook.event_action,
        "created_at": int(hook.created.timestamp()),
        "status": hook.status,
    }


def _shown(hook: Webhook) -> Reply:
    return reply(200, {"data": _to_fields(hook), "meta": {"user_id": USER_ID}})


def fire(stage: Stage, account: Account, what: tuple[str, str], data: Any) -> int:
    """Tell the webhooks of an object and action of something; how many there are.

    Assumed: the body. One that is never taken deactivates its webhook.
    """
    book = stage.book(account, lambda: Book(stage.world))
    told = [
        hook
        for hook in book.webhooks.values()
        if hook.status == "active" and (hook.event_object, hook.event_action) == what
    ]
    sent = {"event_object": what[0], "event_action": what[1], "data": data}
    for hook in told:
        stage.deliveries.begin(_tell(stage, hook, msgspec.json.encode(sent)))
    return len(told)


async def _tell(stage: Stage, hook: Webhook, body: bytes) -> None:
    if not await stage.deliveries.send(hook.end_point, body):
        hook.status = "deactivated"
