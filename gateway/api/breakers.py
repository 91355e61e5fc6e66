"""Breakers of providers' accounts: seen by all, forced by administrators."""

from __future__ import annotations

from typing import Any, Literal

from litestar import Controller, Request, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from gateway.api.audit import given_in, record
from gateway.api.context import Context, context_of, list_meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, caller_of, missing
from gateway.api.problems import invalid, moment
from gateway.guard.breakers import Breaker, Forced, State, classes_of
from gateway.vault.credentials import Credential
from providers.registry import ADAPTERS, account_actions

Req = Request[Any, Any, Any]


class BreakerView(Struct, kw_only=True):
    """`open`: not asked until `until`; `half_open`: the next call finds out."""

    provider: str
    credential: str
    operation: str
    state: State
    fails: int
    until: str | None
    forced: bool


class BreakerChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """Of all accounts and operations of the provider that are not named; `auto` ends a forcing.

    `closed` and `auto` also end a pause that the provider has asked for.
    """

    state: Literal["open", "closed", "auto"]
    operation: str | None = None
    credential: str | None = None


class BreakersReply(Struct):
    data: list[BreakerView]
    meta: ListMeta


def view(provider: str, found: Breaker) -> BreakerView:
    return BreakerView(
        provider=provider,
        credential=found.credential,
        operation=found.operation,
        state=found.state,
        fails=found.fails,
        until=moment(found.until) if found.state != "closed" and not found.forced else None,
        forced=found.forced,
    )


def _accounts(context: Context, provider: str, named: str | None = None) -> list[Credential]:
    """Raises Problem."""
    if provider not in ADAPTERS:
        raise missing("provider")
    held = [one for one in context.market.credentials if one.provider == provider]
    if named is not None:
        held = [one for one in held if named in (one.id, one.name)]
        if not held:
            raise invalid("/credential", f"is not a credential of {provider}")
    return held


async def _read(context: Context, provider: str) -> list[BreakerView]:
    classes = classes_of(ADAPTERS[provider].offers, account_actions(provider))
    return [
        view(provider, found)
        for account in _accounts(context, provider)
        for found in await context.breakers.read(account.id, classes)
    ]


class BreakersOfProviders(Controller):
    """Only administrators know the accounts."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get(
        "/v1/admin/providers/{name:str}/breakers",
        responses=responses({}, (*AUTHENTICATED, *READ, "invalid_query")),
    )
    async def list_breakers(
        self, request: Req, name: FromPath[str], limit: Limit = 25, cursor: CursorParam = None
    ) -> BreakersReply:
        context, caller = context_of(request), caller_of(request.scope)
        if name not in ADAPTERS:
            raise missing("provider")
        rows = await _read(context, name)
        page, after = context.pager.cut(rows, caller, f"admin.breakers {name}", limit, cursor)
        return BreakersReply(page, list_meta_of(request, after, len(rows)))

    @put(
        "/v1/admin/providers/{name:str}/breakers",
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY)),
    )
    async def force_breakers(
        self, request: Req, name: FromPath[str], data: JSONBody[BreakerChange]
    ) -> BreakersReply:
        context = context_of(request)
        accounts = _accounts(context, name, data.credential)
        offered = classes_of(ADAPTERS[name].offers, account_actions(name))
        if data.operation is not None and data.operation not in offered:
            raise invalid("/operation", f"is not one of {', '.join(offered)}")
        word: Forced | None = None if data.state == "auto" else data.state
        for account in accounts:
            for operation in [data.operation] if data.operation else offered:
                await context.breakers.force(account.id, operation, word)
            if word != "open":
                await context.permits.lift(context.market.allowance(account))
        await record(request, "breaker.forced", name, given_in(data))
        rows = await _read(context, name)
        return BreakersReply(rows, list_meta_of(request, None, len(rows)))
