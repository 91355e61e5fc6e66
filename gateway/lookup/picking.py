"""Which account of a provider a call goes to that no waterfall decides."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gateway.vault.bench import Bench, Rest
from gateway.vault.credentials import Credential
from providers.errors import OutOfCredits


class NoSuchAccount(Exception):
    """The team has no account of that name at the provider."""


class NoAccount(Exception):
    """The team has no account at the provider at all."""


class Benched(Exception):
    """Every account was refused or is used up; `seconds` until one is tried again."""

    def __init__(self, rest: Rest):
        super().__init__(rest.reason)
        self.reason = rest.reason
        self.seconds = max(1.0, rest.until - time.time())


def pick(
    held: Sequence[Credential], bench: Bench, name: str | None = None, *, used_up_too: bool = False
) -> Credential:
    """The account called `name` by its id or name, else the heaviest that is not benched.

    `used_up_too`: for what is free an account without credits serves if no other does. Raises
    NoSuchAccount, NoAccount, Benched.
    """
    if not held:
        raise NoAccount
    if name is not None:
        held = [item for item in held if name in (item.id, item.name)]
        if not held:
            raise NoSuchAccount
    rests = [(item, bench.rest(item.id)) for item in held]
    fit = [item for item, rest in rests if rest is None]
    if not fit and used_up_too:
        fit = [item for item, rest in rests if rest and rest.reason == OutOfCredits.reason]
    if not fit:
        raise Benched(min((rest for _, rest in rests if rest), key=lambda rest: rest.until))
    return max(fit, key=lambda item: item.weight)
