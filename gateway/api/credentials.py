"""Administration of providers' credentials; a secret goes in and never comes out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.api.names import check_credential as check_name
from gateway.api.names import check_teams
from gateway.api.problems import Problem, invalid
from gateway.guard.allowances import SPANS
from gateway.lookup.checking import Verdict, check
from gateway.lookup.routing import Money
from gateway.money.ledger import new_id
from gateway.settings import Settings
from gateway.telemetry.log import register_secrets
from gateway.vault.bench import Bench
from gateway.vault.credentials import Credential
from gateway.vault.roster import Name, timestamp, to_timestamp
from providers.model import OPERATIONS
from providers.registry import ADAPTERS

Req = Request[Any, Any, Any]
SecretText = Annotated[str, Meta(min_length=1, max_length=4096)]
Secrets = Annotated[dict[Name, SecretText], Meta(min_length=1, max_length=4)]
Prices = Annotated[dict[Name, Money], Meta(max_length=200)]
LimitName = Literal[
    "units_day",
    "units_month",
    "units_total",
    "per_second",
    "per_minute",
    "per_hour",
    "per_day",
    "concurrency",
]
Limits = dict[LimitName, Annotated[int, Meta(ge=0, le=2**40)]]
# Of these none at all is no pace: an account that is not to be asked is disabled.
PACES = frozenset({*SPANS, "concurrency"})
Weight = Annotated[int, Meta(ge=0, le=1000)]
TeamIds = Annotated[list[Name], Meta(max_length=1000)]
ProviderName = Annotated[str, Meta(min_length=1, max_length=32)]

NATIVE_PATH = re.compile(r"/?[A-Za-z0-9_{}-]+(/[A-Za-z0-9_{}-]+)*")
_SENDABLE = re.compile(r"[ -~\u00a0-\u00ff]+")
SANDBOX_NOTICE = (
    "This gateway runs in sandbox mode; the credential takes effect at the next start."
)


class NewCredential(Struct, kw_only=True, forbid_unknown_fields=True):
    """`prices` is money per unit by operation."""

    provider: ProviderName
    name: Name
    secret: Secrets
    weight: Weight = 1
    team_ids: TeamIds = []
    exclusive: bool = False
    prices: Prices = {}
    limits: Limits = {}
    enabled: bool = True

    def __repr__(self) -> str:
        return f"NewCredential({self.provider!r}, {self.name!r})"


class CredentialChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    secret: Secrets | UnsetType = UNSET
    weight: Weight | UnsetType = UNSET
    team_ids: TeamIds | UnsetType = UNSET
    exclusive: bool | UnsetType = UNSET
    prices: Prices | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET

    def __repr__(self) -> str:
        return "CredentialChange(***)"


class CredentialView(Struct, kw_only=True):
    """A `benched` account was refused for the `reason` and is tried again at `benched_until`."""

    id: str
    provider: str
    name: str
    weight: int
    team_ids: list[str]
    exclusive: bool
    prices: dict[str, str]
    limits: dict[str, int]
    enabled: bool
    created_at: str | None
    status: Literal["ok", "benched"]
    benched_until: str | None = None
    reason: str | None = None


class CheckReply(Struct):
    data: Verdict
    meta: ReplyMeta


class CredentialReply(Struct):
    data: CredentialView
    meta: ReplyMeta


class CredentialsReply(Struct):
    data: list[CredentialView]
    meta: ListMeta


def view(credential: Credential, bench: Bench) -> CredentialView:
    """Everything but the secret."""
    rest = bench.rest(credential.id)
    return CredentialView(
        id=credential.id,
        provider=credential.provider,
        name=credential.name,
        weight=credential.weight,
        team_ids=list(credential.team_ids),
        exclusive=credential.exclusive,
        prices={name: str(price) for name, price in credential.prices.items()},
        limits=dict(credential.limits),
        enabled=credential.enabled,
        created_at=credential.created_at,
        status="benched" if rest else "ok",
        benched_until=to_timestamp(datetime.fromtimestamp(rest.until, UTC)) if rest else None,
        reason=rest.reason if rest else None,
    )


def _check_secret(provider: str, secret: dict[str, str]) -> None:
    wanted = ADAPTERS[provider].secret_fields
    if set(secret) != set(wanted):
        raise invalid("/secret", f"must have exactly {', '.join(wanted)} for {provider}")
    for member, text in secret.items():
        if not _SENDABLE.fullmatch(text):
            details = "has characters that can't be sent in an HTTP header"
            raise invalid(f"/secret/{member}", details)
    register_secrets(secret.values())


def _check_limits(limits: dict[LimitName, int]) -> None:
    for name, number in limits.items():
        if name in PACES and number < 1:
            raise invalid(f"/limits/{name}", "must be at least 1")


def _check_prices(prices: dict[str, Money]) -> None:
    for key in prices:
        if key not in OPERATIONS and not NATIVE_PATH.fullmatch(key):
            pointer = "/prices/" + key.replace("~", "~0").replace("/", "~1")
            raise invalid(pointer, "is neither an operation nor a native path")


def _new(data: NewCredential, settings: Settings) -> Credential:
    if data.provider not in ADAPTERS:
        raise invalid("/provider", f"is not one of {', '.join(ADAPTERS)}")
    _check_secret(data.provider, data.secret)
    _check_prices(data.prices)
    _check_limits(data.limits)
    configured = settings.providers[data.provider]
    return Credential(
        id=new_id("cred"),
        provider=data.provider,
        name=data.name,
        base_url=configured.base_url,
        secret=data.secret,
        weight=data.weight,
        team_ids=tuple(data.team_ids),
        exclusive=data.exclusive,
        prices={name: Decimal(price) for name, price in data.prices.items()},
        limits={str(name): value for name, value in data.limits.items()},
        options=configured.options,
        enabled=data.enabled,
        created_at=timestamp(),
    )


def _changed(held: Credential, change: CredentialChange) -> Credential:
    members = msgspec.structs.asdict(change)
    given = {name: value for name, value in members.items() if value is not UNSET}
    if "secret" in given:
        _check_secret(held.provider, given["secret"])
    if "team_ids" in given:
        given["team_ids"] = tuple(given["team_ids"])
    _check_limits(given.get("limits", {}))
    if "prices" in given:
        _check_prices(given["prices"])
        given["prices"] = {name: Decimal(price) for name, price in given["prices"].items()}
    return msgspec.structs.replace(held, **given)


async def _find(request: Req, name: str) -> Credential:
    context = context_of(request)
    held = await context.kept.get(name)
    if held is None and context.market.credential(name):
        raise Problem("conflict", "This credential comes from the configuration; change it there.")
    if held is None:
        raise missing("credential")
    return held


async def _keep_change(request: Req, changed: Credential) -> Credential:
    """The credential as it is now. Raises Problem if it was changed or deleted meanwhile."""
    kept = context_of(request).kept
    held = await kept.change(changed)
    if held is not None:
        return held
    if await kept.holds(changed.id):
        raise Problem("conflict", "The credential was changed meanwhile; try again.")
    raise missing("credential")


def _reply(request: Req, credential: Credential) -> CredentialReply:
    context = context_of(request)
    notice = SANDBOX_NOTICE if context.sandbox else None
    return CredentialReply(view(credential, context.market.bench), meta_of(request, notice))


class Credentials(Controller):
    """CRUD of credentials."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get(
        "/v1/admin/credentials",
        responses=responses({}, (*AUTHENTICATED, "invalid_query")),
    )
    async def list_credentials(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> CredentialsReply:
        context = context_of(request)
        stored = await context.kept.all() if context.sandbox else []
        bench = context.market.bench
        held = [view(item, bench) for item in (*context.market.credentials, *stored)]
        caller = caller_of(request.scope)
        page, after = context.pager.cut(held, caller, "admin.credentials", limit, cursor)
        return CredentialsReply(page, list_meta_of(request, after, len(held)))

    @post(
        "/v1/admin/credentials", responses=responses({}, (*AUTHENTICATED, *WITH_BODY, "conflict"))
    )
    async def add_credential(self, request: Req, data: JSONBody[NewCredential]) -> CredentialReply:
        context = context_of(request)
        fresh = _new(data, context.settings)
        await check_teams(context, fresh.team_ids)
        await check_name(context, fresh)
        await context.kept.put(fresh)
        await record(request, "credential.created", fresh.id, given_in(data))
        await context.market.changed()
        return _reply(request, fresh)

    @get(
        "/v1/admin/credentials/{credential_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, "conflict")),
    )
    async def show_credential(self, request: Req, credential_id: FromPath[str]) -> CredentialReply:
        market = context_of(request).market
        held = market.credential(credential_id) or await _find(request, credential_id)
        return CredentialReply(view(held, market.bench), meta_of(request))

    @patch(
        "/v1/admin/credentials/{credential_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "conflict")),
    )
    async def change_credential(
        self, request: Req, credential_id: FromPath[str], data: JSONBody[CredentialChange]
    ) -> CredentialReply:
        context = context_of(request)
        changed = _changed(await _find(request, credential_id), data)
        if data.team_ids is not UNSET:
            await check_teams(context, changed.team_ids)
        if data.name is not UNSET:
            await check_name(context, changed)
        changed = await _keep_change(request, changed)
        await record(request, "credential.changed", credential_id, given_in(data))
        await context.market.changed()
        if data.secret is not UNSET:
            await context.market.bench.clear(credential_id)
        return _reply(request, changed)

    @post(
        "/v1/admin/credentials/{credential_id:str}/check",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *READ, "conflict", "too_large")),
    )
    async def check_credential(self, request: Req, credential_id: FromPath[str]) -> CheckReply:
        context = context_of(request)
        held = context.market.credential(credential_id)
        if held is None:
            # A sandbox has stored credentials and does not use them.
            await _find(request, credential_id)
            return CheckReply(Verdict(ok=None, checked=False, reason="sandbox"), meta_of(request))
        adapter = context.desk.adapter_of(held)
        verdict = await check(
            context.market, adapter, held, breakers=context.breakers, permits=context.permits
        )
        await record(request, "credential.checked", credential_id)
        return CheckReply(verdict, meta_of(request))

    @delete(
        "/v1/admin/credentials/{credential_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, "conflict")),
    )
    async def delete_credential(self, request: Req, credential_id: FromPath[str]) -> None:
        if not await context_of(request).kept.holds(credential_id):
            await _find(request, credential_id)
        tickets = await context_of(request).kept.delete(credential_id)
        if tickets:
            detail = (
                f"{tickets} results of its account are still to be collected; disable it first."
            )
            raise Problem("conflict", detail)
        await context_of(request).market.bench.clear(credential_id)
        await context_of(request).webhooks.reception.forget(credential_id)
        await context_of(request).market.changed()
        await record(request, "credential.deleted", credential_id)
