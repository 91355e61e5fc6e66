"""Administration of callers' keys."""

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
from gateway.api.names import check_text
from gateway.api.problems import Problem, invalid
from gateway.api.teams import (
    Budgets,
    Concurrency,
    PerMinute,
    budgets_of,
    lift,
    limit,
    show_budgets,
)
from gateway.vault.roster import DEFAULT_TEAM, Budget, Key, Name, Scope, timestamp

Req = Request[Any, Any, Any]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=7)]
Expiry = Annotated[datetime, Meta(tz=True)]


class NewKeyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """`expires_at` is ISO 8601 with a zone."""

    name: Name
    scopes: Scopes
    team_id: Name = DEFAULT_TEAM
    expires_at: Expiry | None = None
    budget: Budgets = None
    rate_limit_per_minute: PerMinute | None = None
    max_concurrency: Concurrency | None = None


class KeyChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires_at: Expiry | UnsetType | None = UNSET
    budget: Budgets | UnsetType = UNSET
    rate_limit_per_minute: PerMinute | UnsetType | None = UNSET
    max_concurrency: Concurrency | UnsetType | None = UNSET


class KeyView(Struct, kw_only=True):
    id: str
    team_id: str
    name: str
    scopes: list[str]
    expires_at: str | None
    budget: Budget | list[Budget] | None
    rate_limit_per_minute: int | None
    max_concurrency: int | None
    created_at: str


class IssuedKey(KeyView, kw_only=True):
    """`key` is shown this once."""

    key: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class RotatedKey(IssuedKey, kw_only=True):
    """`old_key_until` is when every earlier text of the key stops working, at the latest."""

    old_key_until: str


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the text that is replaced works on; 0 ends it at once."""

    grace_seconds: Annotated[int, Meta(ge=0, le=30 * 86400)] = 3600


AS_USUAL = Rotation()


class KeyReply(Struct):
    data: KeyView
    meta: ReplyMeta


class IssuedReply(Struct):
    data: IssuedKey
    meta: ReplyMeta


class RotatedReply(Struct):
    data: RotatedKey
    meta: ReplyMeta


class KeysReply(Struct):
    data: list[KeyView]
    meta: ListMeta


def _members(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "team_id": key.team_id,
        "name": key.name,
        "scopes": list(key.scopes),
        "expires_at": key.expires_at,
        "budget": show_budgets(key.budgets),
        "rate_limit_per_minute": key.rate_limit_per_minute,
        "max_concurrency": key.max_concurrency,
        "created_at": key.created_at,
    }


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    try:
        return str(msgspec.to_builtins(moment.astimezone(UTC)))
    except OverflowError:
        raise invalid("/expires_at", "is beyond the years 1 to 9999 in UTC") from None


def _changed(key: Key, change: KeyChange) -> Key:
    members = msgspec.structs.asdict(change)
    given = {name: value for name, value in members.items() if value is not UNSET}
    if "name" in given:
        check_text(given["name"])
    if "budget" in given:
        given["budgets"] = budgets_of(given.pop("budget"))
    if "scopes" in given:
        given["scopes"] = tuple(dict.fromkeys(given["scopes"]))
    if "expires_at" in given:
        given["expires_at"] = _iso(given["expires_at"])
    return msgspec.structs.replace(key, **given)


def _new(data: NewKeyBody) -> Key:
    check_text(data.name)
    return Key(
        id="",
        team_id=data.team_id,
        name=data.name,
        scopes=tuple(dict.fromkeys(data.scopes)),
        expires_at=_iso(data.expires_at),
        budgets=budgets_of(data.budget),
        rate_limit_per_minute=data.rate_limit_per_minute,
        max_concurrency=data.max_concurrency,
        created_at=timestamp(),
    )


async def _find(request: Req, name: str) -> Key:
    key = await context_of(request).roster.key(name)
    if key is None:
        raise missing("key")
    return key


async def _keep(request: Req, key: Key) -> None:
    # The budget first: a key is shown with nothing that does not hold yet.
    await limit(request, f"key:{key.id}", key)
    if not await context_of(request).roster.change_key(key):
        raise await _overtaken(request, key.id)


async def _overtaken(request: Req, name: str) -> Problem:
    """Why a change did not find the key as it was read."""
    if await context_of(request).roster.key(name) is None:
        return missing("key")
    return Problem("conflict", "The key was rotated meanwhile; try again.")


def _reply(request: Req, key: Key) -> KeyReply:
    return KeyReply(KeyView(**_members(key)), meta_of(request))


class Keys(Controller):
    """CRUD of keys; DELETE revokes."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get("/v1/admin/keys", responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_keys(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> KeysReply:
        keys = [KeyView(**_members(key)) for key in await context_of(request).roster.keys()]
        caller = caller_of(request.scope)
        page, after = context_of(request).pager.cut(keys, caller, "admin.keys", limit, cursor)
        return KeysReply(page, list_meta_of(request, after, len(keys)))

    @post("/v1/admin/keys", responses=responses({}, (*AUTHENTICATED, *WITH_BODY)))
    async def create_key(self, request: Req, data: JSONBody[NewKeyBody]) -> IssuedReply:
        issued = await context_of(request).roster.issue_key(_new(data))
        if issued is None:
            raise invalid("/team_id", "is not the id of a team")
        key, fresh = issued
        await limit(request, f"key:{key.id}", key)
        await record(request, "key.created", key.id, given_in(data))
        shown = IssuedKey(**_members(key), key=fresh.text)
        return IssuedReply(shown, meta_of(request))

    @get("/v1/admin/keys/{key_id:str}", responses=responses({}, (*AUTHENTICATED, *READ)))
    async def show_key(self, request: Req, key_id: FromPath[str]) -> KeyReply:
        return _reply(request, await _find(request, key_id))

    @patch(
        "/v1/admin/keys/{key_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "conflict")),
    )
    async def change_key(
        self, request: Req, key_id: FromPath[str], data: JSONBody[KeyChange]
    ) -> KeyReply:
        key = _changed(await _find(request, key_id), data)
        await _keep(request, key)
        await record(request, "key.changed", key.id, given_in(data))
        return _reply(request, key)

    @post(
        "/v1/admin/keys/{key_id:str}/rotate",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "conflict")),
    )
    async def rotate_key(
        self, request: Req, key_id: FromPath[str], data: JSONBody[Rotation] = AS_USUAL
    ) -> RotatedReply:
        held = await _find(request, key_id)
        rotated = await context_of(request).roster.rotate_key(held, data.grace_seconds)
        if rotated is None:
            raise await _overtaken(request, key_id)
        key, fresh = rotated
        await record(request, "key.rotated", key.id, ["key"])
        until = timestamp(timedelta(seconds=data.grace_seconds))
        shown = RotatedKey(**_members(key), key=fresh.text, old_key_until=until)
        return RotatedReply(shown, meta_of(request))

    @delete("/v1/admin/keys/{key_id:str}", responses=responses({}, (*AUTHENTICATED, *READ)))
    async def revoke_key(self, request: Req, key_id: FromPath[str]) -> None:
        await context_of(request).roster.revoke_key(await _find(request, key_id))
        await lift(request, f"key:{key_id}")
        await record(request, "key.revoked", key_id)
