"""Asking a provider, for free, whether it takes a credential."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType

from gateway.guard.breakers import Breakers, classes_of
from gateway.guard.permits import Permits
from gateway.lookup.market import Market
from gateway.vault.credentials import Credential
from providers.base import Adapter, Bounded
from providers.errors import AuthenticationFailed, OutOfCredits, ProviderError
from providers.registry import account_actions

PATIENCE = 15.0


class Verdict(Struct, kw_only=True):
    """`ok` is null if it could not be `checked`; `balance` is in the provider's own units."""

    ok: bool | None
    checked: bool
    reason: str | UnsetType = UNSET
    balance: Mapping[str, float] | UnsetType = UNSET


async def check(
    market: Market,
    adapter: Adapter,
    credential: Credential,
    *,
    breakers: Breakers,
    permits: Permits,
) -> Verdict:
    """Ask; the account is benched if it is refused or used up, else in use again.

    One that has answered is not to be left alone any more, whatever it said before.
    """
    try:
        async with Bounded(PATIENCE):
            balance = await adapter.balance()
    except (AuthenticationFailed, OutOfCredits) as error:
        await market.bench.put(credential.id, error.reason)
        return Verdict(ok=False, checked=True, reason=error.reason)
    except ProviderError as error:
        return Verdict(ok=None, checked=False, reason=error.reason)
    await market.bench.clear(credential.id)
    classes = classes_of(adapter.offers, account_actions(credential.provider))
    await breakers.close(credential.id, classes)
    if balance is None:
        return Verdict(ok=None, checked=False, reason="no_free_call")
    await permits.lift(market.allowance(credential))
    return Verdict(ok=True, checked=True, balance=balance)
