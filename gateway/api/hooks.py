"""Addresses for providers to call, and what they send there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from gateway.api.audit import record
from gateway.api.context import context_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import ReplyMeta, missing
from gateway.api.problems import Problem, unauthenticated
from gateway.jobs.reception import Forged, UnknownHook
from gateway.lookup.marking import marks_in_raws
from gateway.lookup.withholding import struck
from gateway.vault.credentials import Credential
from gateway.vault.hooks import Hook
from gateway.vault.roster import timestamp, to_timestamp
from providers.registry import READERS

Req = Request[Any, Any, Any]
Grace = Annotated[int, QueryParameter(ge=0, le=30 * 86400, required=False)]
SigningSecret = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[!-~]+$")]
HOOK = "/v1/admin/credentials/{credential_id:str}/hook"
SHOWN = 100
WITHHELD = "(names someone who objected)"


class HookChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the provider signs with, null: nothing. The one before is good for 72 hours more."""

    signing_secret: SigningSecret | None


class HookView(Struct, kw_only=True):
    """`signed`: only what is signed with the secret is taken in."""

    credential_id: str
    provider: str
    signed: bool
    created_at: str


class IssuedHook(HookView, kw_only=True):
    """`url` is shown this once."""

    url: str


class NoticeView(Struct):
    """A message that told no task; `body` as it came, at most 32 KiB."""

    received_at: str
    body: str


class HookReply(Struct):
    data: HookView
    meta: ReplyMeta


class IssuedHookReply(Struct):
    data: IssuedHook
    meta: ReplyMeta


class NoticesReply(Struct):
    data: list[NoticeView]
    meta: ReplyMeta


def _members(hook: Hook) -> dict[str, Any]:
    return {
        "credential_id": hook.credential,
        "provider": hook.provider,
        "signed": hook.signed,
        "created_at": hook.created_at,
    }


async def _credential(request: Req, name: str) -> Credential:
    context = context_of(request)
    held = context.market.credential(name)
    if held is None:
        # It may have been made by another process a moment ago.
        await context.market.refresh()
        held = context.market.credential(name)
    if held is None and await context.kept.holds(name):
        detail = (
            "The credential is not in use: it is stored, and this gateway runs in its sandbox."
        )
        raise Problem("conflict", detail)
    if held is None:
        raise missing("credential")
    return held


async def _find(request: Req, credential: str) -> Hook:
    hook = await context_of(request).webhooks.hooks.get(credential)
    if hook is None:
        raise missing("hook")
    return hook


async def _shown(request: Req, body: bytes) -> str:
    desk = context_of(request).desk
    marks = marks_in_raws([body], desk.data_key.value)
    if await struck(desk.store, desk.root, marks):
        return WITHHELD
    return body.decode(errors="replace")


class Hooks(Controller):
    """One hook for a credential."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @post(
        HOOK,
        responses=responses(
            {}, (*AUTHENTICATED, *READ, "conflict", "unsupported", "invalid_query", "too_large")
        ),
    )
    async def issue_hook(
        self, request: Req, credential_id: FromPath[str], grace_seconds: Grace = 3600
    ) -> IssuedHookReply:
        """A new address; those given out before end after `grace_seconds`."""
        context = context_of(request)
        held = await _credential(request, credential_id)
        base = context.settings.public_url
        if base is None:
            raise Problem("conflict", "Providers need an address: set GATEWAY_PUBLIC_URL.")
        if held.provider not in READERS:
            raise Problem("unsupported", f"{held.provider} sends no webhooks.")
        token = await context.webhooks.hooks.issue(
            held.id, held.provider, timestamp(), grace=grace_seconds
        )
        await record(request, "hook.issued", held.id)
        url = f"{base}/hooks/{held.provider}/{token}"
        shown = IssuedHook(**_members(await _find(request, held.id)), url=url)
        return IssuedHookReply(shown, meta_of(request))

    @get(HOOK, responses=responses({}, (*AUTHENTICATED, *READ)))
    async def show_hook(self, request: Req, credential_id: FromPath[str]) -> HookReply:
        return HookReply(
            HookView(**_members(await _find(request, credential_id))), meta_of(request)
        )

    @patch(HOOK, responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "unsupported")))
    async def change_hook(
        self, request: Req, credential_id: FromPath[str], data: JSONBody[HookChange]
    ) -> HookReply:
        hook = await _find(request, credential_id)
        if READERS[hook.provider].verify is None:
            raise Problem("unsupported", f"{hook.provider} does not sign what it sends.")
        if not await context_of(request).webhooks.hooks.set_secret(
            credential_id, data.signing_secret
        ):
            raise missing("hook")
        await record(request, "hook.changed", credential_id, ["signing_secret"])
        return HookReply(
            HookView(**_members(await _find(request, credential_id))), meta_of(request)
        )

    @delete(HOOK, responses=responses({}, (*AUTHENTICATED, *READ)))
    async def delete_hook(self, request: Req, credential_id: FromPath[str]) -> None:
        """All its addresses end at once."""
        if not await context_of(request).webhooks.reception.forget(credential_id):
            raise missing("hook")
        await record(request, "hook.deleted", credential_id)

    @get(f"{HOOK}/notices", responses=responses({}, (*AUTHENTICATED, *READ)))
    async def list_notices(self, request: Req, credential_id: FromPath[str]) -> NoticesReply:
        """What came within a day, newest first, the last 100: how to see what a provider sends.

        A message that names someone who objected is shown as that alone.
        """
        await _find(request, credential_id)
        kept = context_of(request).webhooks.reception.kept(credential_id, SHOWN)
        found = [NoticeView(_iso(at), await _shown(request, body)) async for at, body in kept]
        return NoticesReply(found, meta_of(request))


class Callbacks(Controller):
    """Open without a key: the address is the secret."""

    tags = ["Webhooks"]
    opt = {"scope": "open"}

    @post(
        "/hooks/{provider:str}/{token:str}",
        status_code=204,
        responses=responses(
            {},
            (
                *("malformed_request", "unauthenticated", "not_found", "too_large"),
                *("ledger_unavailable", "conflict"),
            ),
        ),
    )
    async def take_notice(
        self, request: Req, provider: FromPath[str], token: FromPath[str]
    ) -> None:
        """For providers. What can't be read is taken all the same, or they would stop sending."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        reception = context_of(request).webhooks.reception
        try:
            await reception.receive(provider, token, headers, await request.body())
        except UnknownHook:
            raise Problem("not_found", "There is nothing at this address.") from None
        except Forged:
            raise unauthenticated() from None


def _iso(millis: int) -> str:
    return to_timestamp(datetime.fromtimestamp(millis / 1000, UTC))
