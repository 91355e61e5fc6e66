"""How a lookup ends without an answer, whoever was asked."""

from gateway.store.connection import StoreDown


class Unsettled(StoreDown):
    """An answer is bought and kept; asked again, it costs nothing."""


class Objected(Exception):
    """The person objected: nothing is delivered, by anyone."""


class TooFast(Exception):
    """The team's requests of this minute are used up; `seconds` until the next."""

    def __init__(self, seconds: int):
        super().__init__("too many requests")
        self.seconds = seconds


class KeyRevoked(Exception):
    """The caller's key died while the lookup ran."""
