"""Where a team has its events sent, and what came of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.api.problems import Problem, invalid
from gateway.guard.receivers import LONGEST_URL, ReceiverRefused, Receivers
from gateway.jobs.outbox import Delivery, State
from gateway.money.ledger import new_id
from gateway.vault.endpoints import INLINE, MOST, Endpoint, Event, inline_id
from gateway.vault.roster import timestamp, to_timestamp

Req = Request[Any, Any, Any]
Url = Annotated[str, Meta(min_length=1, max_length=LONGEST_URL)]
Events = Annotated[list[Event], Meta(min_length=1, max_length=4)]
ALL = "/v1/webhook-endpoints"
ONE = ALL + "/{endpoint_id:str}"


class NewEndpoint(Struct, kw_only=True, forbid_unknown_fields=True):
    """`url` is https, except in networks that the installation allows."""

    url: Url
    events: Events


class EndpointChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """`enabled` takes an endpoint up again that has answered 410."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class EndpointView(Struct, kw_only=True):
    """`disabled_reason` is why the gateway sends it nothing more: `gone` for a 410."""

    id: str
    url: str
    events: list[str]
    enabled: bool
    disabled_reason: str | None
    created_at: str


class IssuedEndpoint(EndpointView, kw_only=True):
    """`secret` is shown this once."""

    secret: str


class SecretRotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long messages are signed with the secret that is replaced, too; 0 ends it at once."""

    grace_seconds: Annotated[int, Meta(ge=0, le=30 * 86400)] = 86400


class IssuedSecret(Struct, kw_only=True):
    """`old_secret_until` is when the secrets before it stop signing, at the latest."""

    id: str
    secret: str
    old_secret_until: str | None = None


class DeliveryView(Struct, kw_only=True):
    """`id` is the `webhook-id`; `last_error` a word, `last_status` of the last HTTP reply."""

    id: str
    event: str
    status: State
    attempts: int
    last_error: str | None
    last_status: int | None
    created_at: str
    last_attempt_at: str | None
    next_attempt_at: str | None
    delivered_at: str | None


class EndpointReply(Struct):
    data: EndpointView
    meta: ReplyMeta


class IssuedEndpointReply(Struct):
    data: IssuedEndpoint
    meta: ReplyMeta


class SecretReply(Struct):
    data: IssuedSecret
    meta: ReplyMeta


class EndpointsReply(Struct):
    data: list[EndpointView]
    meta: ListMeta


class DeliveryReply(Struct):
    data: DeliveryView
    meta: ReplyMeta


class DeliveriesReply(Struct):
    data: list[DeliveryView]
    meta: ListMeta


AS_USUAL = SecretRotation()


async def check_url(receivers: Receivers, url: str, pointer: str) -> None:
    """Refuse a receiver that nothing may be sent to. Raises Problem (422)."""
    try:
        await receivers.check(url)
    except ReceiverRefused as refused:
        raise invalid(pointer, refused.details) from None


def _members(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.reason or None,
        "created_at": endpoint.created_at,
    }


def _view(endpoint: Endpoint) -> EndpointView:
    return EndpointView(**_members(endpoint))


def _show(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        event=delivery.event,
        status=delivery.state,
        attempts=delivery.attempts,
        last_error=delivery.error or None,
        last_status=delivery.status or None,
        created_at=_iso(delivery.made) or "",
        last_attempt_at=_iso(delivery.tried),
        next_attempt_at=_iso(delivery.due),
        delivered_at=_iso(delivery.delivered),
    )


def _iso(millis: int) -> str | None:
    return to_timestamp(datetime.fromtimestamp(millis / 1000, UTC)) if millis else None


def _given(change: EndpointChange) -> dict[str, Any]:
    """The members of an endpoint that are changed."""
    members = msgspec.structs.asdict(change)
    given = {name: value for name, value in members.items() if value is not UNSET}
    if "events" in given:
        given["events"] = tuple(dict.fromkeys(given["events"]))
    if given.get("enabled"):
        given["reason"] = ""
    return given


async def _find(request: Req, name: str) -> Endpoint:
    endpoint = await context_of(request).webhooks.endpoints.get(name)
    if endpoint is None or endpoint.team != caller_of(request.scope).team:
        raise missing("endpoint")
    return endpoint


async def _owner(request: Req, name: str) -> str:
    """Whose deliveries and secret: an endpoint's, or those of the team's jobs' own addresses."""
    if name == INLINE:
        return inline_id(caller_of(request.scope).team)
    return (await _find(request, name)).id


class WebhookEndpoints(Controller):
    """Each team sees its own. `inline` stands for the addresses that its jobs bring along."""

    tags = ["Webhooks"]
    opt = {"scope": "jobs"}

    @get(ALL, responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_endpoints(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> EndpointsReply:
        context, caller = context_of(request), caller_of(request.scope)
        found = [_view(one) for one in await context.webhooks.endpoints.of_team(caller.team)]
        page, after = context.pager.cut(found, caller, "webhook-endpoints", limit, cursor)
        return EndpointsReply(page, list_meta_of(request, after, len(found)))

    @post(ALL, responses=responses({}, (*AUTHENTICATED, *WITH_BODY, "conflict")))
    async def create_endpoint(
        self, request: Req, data: JSONBody[NewEndpoint]
    ) -> IssuedEndpointReply:
        context = context_of(request)
        await check_url(context.webhooks.receivers, data.url, "/url")
        endpoint = Endpoint(
            id=new_id("whe"),
            team=caller_of(request.scope).team,
            url=data.url,
            events=tuple(dict.fromkeys(data.events)),
            created_at=timestamp(),
        )
        secret = await context.webhooks.endpoints.add(endpoint)
        if secret is None:
            raise Problem("conflict", f"A team has at most {MOST} endpoints; delete one first.")
        await record(request, "webhook_endpoint.created", endpoint.id, given_in(data))
        shown = IssuedEndpoint(**_members(endpoint), secret=secret)
        return IssuedEndpointReply(shown, meta_of(request))

    @get(ONE, responses=responses({}, (*AUTHENTICATED, *READ)))
    async def show_endpoint(self, request: Req, endpoint_id: FromPath[str]) -> EndpointReply:
        return EndpointReply(_view(await _find(request, endpoint_id)), meta_of(request))

    @patch(ONE, responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY)))
    async def change_endpoint(
        self, request: Req, endpoint_id: FromPath[str], data: JSONBody[EndpointChange]
    ) -> EndpointReply:
        context, given = context_of(request), _given(data)
        endpoint = msgspec.structs.replace(await _find(request, endpoint_id), **given)
        if data.url is not UNSET:
            await check_url(context.webhooks.receivers, endpoint.url, "/url")
        if not await context.webhooks.endpoints.change(endpoint, given):
            raise missing("endpoint")
        await record(request, "webhook_endpoint.changed", endpoint.id, given_in(data))
        return EndpointReply(_view(await _find(request, endpoint_id)), meta_of(request))

    @delete(ONE, responses=responses({}, (*AUTHENTICATED, *READ)))
    async def delete_endpoint(self, request: Req, endpoint_id: FromPath[str]) -> None:
        await context_of(request).webhooks.endpoints.delete(await _find(request, endpoint_id))
        await record(request, "webhook_endpoint.deleted", endpoint_id)

    @post(
        f"{ONE}/rotate",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "conflict")),
    )
    async def rotate_secret(
        self,
        request: Req,
        endpoint_id: FromPath[str],
        data: JSONBody[SecretRotation] = AS_USUAL,
    ) -> SecretReply:
        """A new secret; the one before signs beside it for a while."""
        owner = await _owner(request, endpoint_id)
        secret = await context_of(request).webhooks.endpoints.rotate(owner, data.grace_seconds)
        if secret is None:
            raise Problem("conflict", "The secret was rotated meanwhile; try again.")
        await record(request, "webhook_endpoint.rotated", owner, ["secret"])
        until = timestamp(timedelta(seconds=data.grace_seconds))
        shown = IssuedSecret(id=endpoint_id, secret=secret, old_secret_until=until)
        return SecretReply(shown, meta_of(request))

    @post(
        f"{ONE}/secret",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *READ, "conflict", "too_large")),
    )
    async def show_secret(self, request: Req, endpoint_id: FromPath[str]) -> SecretReply:
        """The secret of `inline`, once; that of an endpoint was shown when it was made."""
        owner = await _owner(request, endpoint_id)
        secret = await context_of(request).webhooks.endpoints.show(owner)
        if secret is None:
            raise Problem("conflict", "The secret was shown already; rotate it for a new one.")
        await record(request, "webhook_endpoint.secret_shown", owner)
        return SecretReply(IssuedSecret(id=endpoint_id, secret=secret), meta_of(request))

    @get(f"{ONE}/deliveries", responses=responses({}, (*AUTHENTICATED, *READ, "invalid_query")))
    async def list_deliveries(
        self,
        request: Req,
        endpoint_id: FromPath[str],
        limit: Limit = 25,
        cursor: CursorParam = None,
    ) -> DeliveriesReply:
        """Newest first."""
        context, caller = context_of(request), caller_of(request.scope)
        owner = await _owner(request, endpoint_id)
        name = f"deliveries:{owner}"
        offset = context.pager.offset(caller, name, cursor)
        found, more = await context.webhooks.outbox.page(owner, offset=offset, limit=limit)
        after = context.pager.next(caller, name, offset + limit) if more else None
        return DeliveriesReply([_show(one) for one in found], list_meta_of(request, after))

    @post(
        f"{ONE}/deliveries/{{delivery_id:str}}/redeliver",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *READ, "conflict", "too_large")),
    )
    async def redeliver(
        self, request: Req, endpoint_id: FromPath[str], delivery_id: FromPath[str]
    ) -> DeliveryReply:
        """Sent again now, with all its retries, under the same `webhook-id`."""
        outbox = context_of(request).webhooks.outbox
        owner = await _owner(request, endpoint_id)
        outcome = await outbox.redeliver(delivery_id, owner)
        delivery = await outbox.load(delivery_id)
        if outcome == "missing" or delivery is None:
            raise missing("delivery")
        if outcome != "ok":
            raise Problem("conflict", WHY_NOT[outcome])
        await record(request, "webhook_endpoint.redelivered", owner)
        return DeliveryReply(_show(delivery), meta_of(request))


WHY_NOT = {
    "disabled": "The endpoint is disabled; enable it first.",
    "sending": "It is being sent at this moment.",
}
