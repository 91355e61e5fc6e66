"""Calls to the providers' own APIs: priced, reserved and sent."""

from __future__ import annotations

from collections.abc import Container, Mapping
from decimal import Decimal

from msgspec import Struct

from gateway.lookup.desk import Desk
from gateway.lookup.endings import HeldBack, Objected
from gateway.lookup.lookup import Caller
from gateway.lookup.picking import Benched, NoAccount, pick
from gateway.lookup.purchases import Purchase
from gateway.lookup.transit import Clerk, NativeCall, Transit
from gateway.money.amounts import cost_of, to_micros
from gateway.store.connection import StoreDown
from gateway.vault.credentials import Credential, pool
from providers.errors import ProviderError, TimedOut
from providers.native import Asked, NativePath
from providers.registry import ADAPTERS

# So many marks one script takes; more of them are looked up before it, in turns.
MARKS_AT_ONCE = 1000


class Worst(Struct, frozen=True):
    """What a call may cost at most: thousandths of a unit, at micro-units each, were they 0."""

    unit: str
    units: int
    price: int
    is_priced: bool = True


class Transits:
    """Of one process."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self._clerk = Clerk(desk)

    async def begin(self, caller: Caller, call: NativeCall, name: str | None) -> Transit:
        """Open it with the account that it goes to; while that is left alone, and any other would
        do, with another. Raises what `pick` and `open` raise.
        """
        backs: dict[str, HeldBack] = {}
        while True:
            try:
                account = await self.pick(caller, call, name, backs)
            except (NoAccount, Benched):
                if not backs:
                    raise
                raise min(backs.values(), key=lambda back: back.seconds) from None
            try:
                return await self.open(caller, call, account)
            except HeldBack as back:
                if name is not None or not call.is_anyones:
                    raise
                backs[account.id] = back

    async def pick(
        self,
        caller: Caller,
        call: NativeCall,
        name: str | None,
        without: Container[str] = (),
    ) -> Credential:
        """The account that a call goes to: its own for a task, else the one asked for, else one
        that is not among those `without` which it has to go.

        Raises NoSuchAccount, NoAccount, Benched, StoreDown.
        """
        if name is None and call.path is not None and call.path.reads is not None:
            task = call.path.reads(call.asked)
            opened = await self._clerk.open_tasks.find(call.provider, task)
            own = self.desk.market.credential(opened.credential) if opened else None
            if own is not None and own.serves(caller.team):
                return own
        accounts = pool(self.desk.market.credentials, call.provider, caller.team)
        held = [item for item in accounts if item.id not in without]
        return pick(held, self.desk.market.bench, name, used_up_too=call.is_free)

    async def open(self, caller: Caller, call: NativeCall, account: Credential) -> Transit:
        """Reserve, send, and return once the reply begins.

        Raises what `Purchases.reserve` raises, and ProviderError.
        """
        persons = await self._checked(call.persons)
        seconds, buying = ADAPTERS[call.provider].native.seconds, self._clerk.purchases
        purchase = self._purchase(call, account, persons)
        held = await buying.reserve(caller, purchase, seconds=seconds)
        rid = held.rid if purchase.paced else ""
        try:
            underway = await self._clerk.sender.send(
                account, call.outgoing, seconds=seconds, rid=rid
            )
        except ProviderError as error:
            _ = buying.fail(held, error, health=call.health_of(error))
            if error.status is not None:
                await self._clerk.heard(call, account, error)
            raise
        except StoreDown:
            _ = buying.settle(
                held, "voided", outcome="failed", reason="unavailable", health="neutral"
            )
            raise
        except BaseException:
            _ = buying.fail(held, TimedOut(uncertain=True), health="neutral")
            raise
        return Transit(self._clerk, call, account, held, underway)

    async def _checked(self, persons: tuple[str, ...]) -> tuple[str, ...]:
        """Those that the reservation is to check; of too many, all are checked here."""
        if len(persons) <= MARKS_AT_ONCE:
            return persons
        for start in range(0, len(persons), MARKS_AT_ONCE):
            marks = persons[start : start + MARKS_AT_ONCE]
            hits = await self.desk.store.call("SMISMEMBER", f"{self.desk.root}suppressed", *marks)
            if any(hits):
                raise Objected
        return ()

    def _purchase(
        self, call: NativeCall, account: Credential, persons: tuple[str, ...]
    ) -> Purchase:
        worst = self._worst(call, account)
        configured = self.desk.settings.providers[call.provider]
        return Purchase(
            provider=call.provider,
            operation=call.operation,
            credential=account,
            unit=worst.unit,
            units=worst.units,
            price=worst.price,
            unpriced=call.path is None or bool(worst.units and not worst.is_priced),
            limits={**configured.limits, **account.limits},
            persons=persons,
            paced=self._clerk.sender.paced(account),
            breaker=call.breaker,
        )

    def _worst(self, call: NativeCall, account: Credential) -> Worst:
        """Of a path that no table has, what the dearest in the table would cost."""
        rows = [call.path] if call.path else ADAPTERS[call.provider].native.paths
        found = [self._price(call.provider, row, call.asked, account) for row in rows]
        return max(found, key=lambda one: cost_of(one.units, one.price), default=Worst("", 0, 0))

    def _price(self, provider: str, row: NativePath, asked: Asked, account: Credential) -> Worst:
        configured = self.desk.settings.providers[provider].prices
        ours = _named(row, account.prices, configured)
        offers = ADAPTERS[provider].offers.values()
        theirs = max((o.price for o in offers if o.unit == row.unit), default=Decimal(0))
        price = to_micros(theirs if ours is None else ours)
        is_priced = ours is not None or price > 0
        return Worst(row.unit, row.worst(asked), price, is_priced)


def _named(row: NativePath, *prices: Mapping[str, Decimal]) -> Decimal | None:
    """The first price that names the path, with or without the slash in front."""
    names = (row.template, row.template.lstrip("/"))
    return next((known[name] for known in prices for name in names if name in known), None)
