"""One call of a route of account objects: which account, which page, what became of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request
from msgspec import UNSET, Struct, UnsetType

from gateway.api.accounts.failures import held_back, lacking, to_problem
from gateway.api.context import context_of
from gateway.api.cursors import Cursor, expiry, fingerprint
from gateway.api.lists import caller_of, missing
from gateway.api.problems import Fault, Problem, invalid, request_id_of
from gateway.lookup.accounts import Errand
from gateway.lookup.desk import NotConfigured
from gateway.lookup.endings import HeldBack
from gateway.lookup.picking import Benched, NoAccount, NoSuchAccount
from gateway.vault.credentials import Credential
from providers.accounts.base import Accounts
from providers.accounts.drafts import Asked
from providers.accounts.objects import Listed
from providers.errors import ProviderError
from providers.registry import ADAPTERS, account_actions

Req = Request[Any, Any, Any]
T = TypeVar("T")
READS, WRITES = {"scope": "accounts:read"}, {"scope": "accounts:write"}
# Of a path that can be read and written: who may do either is told how.
BOTH = {"scope": ("accounts:read", "accounts:write")}
PARAMETER, HEADER = "credential", "x-gateway-credential"
OBJECTED = "This person objected to the processing of their data."


class ObjectMeta(Struct, kw_only=True):
    """`credential` is the account it is in; `sandbox` is there only if true."""

    request_id: str
    provider: str
    credential: str
    sandbox: bool | UnsetType = UNSET


class PageMeta(ObjectMeta, kw_only=True):
    """`next_cursor` is null at the end; `total` is the provider's own count, if it has one."""

    next_cursor: str | None
    total: int | UnsetType = UNSET


class Visit:
    """To one account of a provider's.

    `known` are the members that the caller may send. Raises Problem, NotConfigured.
    """

    def __init__(self, request: Req, provider: str, action: str, known: Collection[str] = ()):
        if provider not in ADAPTERS:
            raise missing("provider")
        if action not in account_actions(provider):
            raise lacking(provider, action)
        self._request = request
        self._context = context_of(request)
        self._caller = caller_of(request.scope)
        self._known = known
        self.provider = provider
        self.action = action
        self.keeper = self._context.keeper
        self.credential = self._choose(wanted(request))

    def _choose(self, name: str | None) -> Credential:
        try:
            return self.keeper.choose(self._caller, self.provider, name)
        except NoSuchAccount:
            raise missing("credential") from None
        except NoAccount:
            raise NotConfigured from None
        except Benched as benched:
            detail = f"Every account at {self.provider} was refused lately: {benched.reason}."
            wait = benched.seconds
            raise Problem("no_provider_available", detail, retry_after=wait) from None

    async def run(
        self,
        ask: Callable[[Accounts], Awaitable[T]],
        *,
        about: Sequence[Any] = (),
        asked: bool = False,
        action: str = "",
    ) -> T:
        """What the account answers; `about` and `asked` as an Errand's.

        Raises Problem, and what every call raises.
        """
        action, started = action or self.action, time.perf_counter()
        errand = Errand(
            caller=self._caller,
            action=action,
            credential=self.credential,
            about=tuple(about),
            asked=asked,
        )
        try:
            return await self.keeper.run(errand, ask)
        except HeldBack as back:
            raise held_back(back, self.provider, action) from None
        except ProviderError as error:
            elapsed = time.perf_counter() - started
            raise to_problem(
                error, self.provider, action, known=self._known, elapsed=elapsed
            ) from None

    async def page(
        self,
        ask: Callable[[Accounts, Asked], Awaitable[Listed[T]]],
        limit: int,
        cursor: str | None,
        *,
        query: Sequence[object] = (),
        about: Sequence[Any] = (),
    ) -> tuple[list[T], PageMeta]:
        """A page without those who objected; `query` is what its cursors are bound to."""
        mark = fingerprint(msgspec.json.encode([self.action, limit, *query]))
        after = self._go_on(cursor, mark) if cursor is not None else None
        page = Asked(limit=limit, after=after)
        found = await self.run(lambda accounts: ask(accounts, page), about=about, asked=True)
        rows = await self.keeper.without_objectors(found.rows)
        meta = self.meta
        return rows, PageMeta(
            request_id=meta.request_id,
            provider=meta.provider,
            credential=meta.credential,
            sandbox=meta.sandbox,
            next_cursor=self._cursor(mark, found.next) if found.next is not None else None,
            total=UNSET if found.total is None else found.total,
        )

    @property
    def _list(self) -> str:
        return f"accounts.{self.provider}.{self.action}"

    def _go_on(self, text: str, mark: str) -> str:
        """Where a list goes on: in the account that it began with. Raises QueryError, Problem."""
        cursors = self._context.exchange.cursors
        kept = cursors.read(text, team=self._caller.team, operation=self._list, query=mark)
        if wanted(self._request) not in (None, kept.credential, self._name_of(kept.credential)):
            raise invalid("/cursor", "is of a list in another account")
        try:
            self.credential = self.keeper.choose(self._caller, self.provider, kept.credential)
        except NoSuchAccount:
            raise invalid("/cursor", "is of a list in an account that is gone") from None
        return kept.after

    def _name_of(self, credential: str) -> str | None:
        held = self._context.market.credential(credential)
        return held.name if held else None

    def _cursor(self, mark: str, after: str) -> str:
        cursor = Cursor(
            self._caller.team,
            self._list,
            mark,
            self.provider,
            self.credential.id,
            after,
            expiry(),
        )
        return self._context.exchange.cursors.make(cursor)

    async def refuse_objectors(self, addresses: Sequence[str], member: str) -> None:
        """Raise 451 that says which of several addresses are somebody's who objected."""
        self.refuse(await self.keeper.objectors(addresses), member)

    def refuse(self, places: Sequence[int], member: str) -> None:
        if places:
            faults = [Fault("suppressed", 451, OBJECTED, f"/{member}/{at}") for at in places]
            raise Problem("suppressed", OBJECTED, faults=faults)

    @property
    def meta(self) -> ObjectMeta:
        return ObjectMeta(
            request_id=request_id_of(self._request.scope),
            provider=self.provider,
            credential=self.credential.id,
            sandbox=self._context.sandbox or UNSET,
        )


def wanted(request: Req) -> str | None:
    """The account that the caller names, by id or name. Raises Problem if two are named."""
    given = [*request.query_params.getall(PARAMETER, []), *request.headers.getall(HEADER, [])]
    named = {text.strip() for text in given if text.strip()}
    if len(named) > 1:
        raise invalid("/credential", "is named twice, and differently")
    return named.pop() if named else None
