"""Values that must not be shown: secrets, and URLs that may carry one."""

from __future__ import annotations

import base64
import hmac
import re

_BEFORE_HOST = re.compile(r"^([a-z][a-z0-9+.-]*:/*)?.*@", re.DOTALL | re.IGNORECASE)
_AFTER_PATH = re.compile(r"([?#]).*", re.DOTALL)


class Secret:
    """A string that prints as `***`; only `reveal` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def decode(self) -> bytes:
        """The bytes that a base64 secret (a master key) stands for."""
        return base64.b64decode(self._text, validate=True)

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)


class MaskedUrl(str):
    """A URL that is used whole and shown without its password and query."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(mask_url(self))


def mask_url(text: str) -> str:
    """`text` without what may be a user, a password or a query in it."""
    return _AFTER_PATH.sub(r"\1***", _BEFORE_HOST.sub(r"\1***@", text))
