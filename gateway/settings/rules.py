"""What a single value may be: a reader for each kind, and the words for what it allows."""

from __future__ import annotations

import base64
import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta

from gateway.settings.secret import MaskedUrl, Secret

_MONEY = re.compile(r"\d{1,9}(\.\d{1,6})?")
_PRICE = re.compile(r"\d{1,9}(\.\d{1,12})?")
_FRACTION = re.compile(r"0\.\d{1,6}|1(\.0{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_PRINTABLE = re.compile(r"[!-~]([ -~]*[!-~])?")
_TOKEN = re.compile(r"[!-~]+")
_FIELD = re.compile(r"\w+(\.\w+)*(\|\w+(\.\w+)*)*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_DATABASE = re.compile(r"/?\d{0,4}")
_TOGGLES = {"1": True, "true": True, "yes": True, "on": True}
_TOGGLES |= {"0": False, "false": False, "no": False, "off": False}


class Text(str):
    """A value from the environment or the command line, where a number is text too."""

    __slots__ = ()


class Rule(NamedTuple):
    """`read` gives the checked value or raises ValueError; `expected` says what is allowed.

    A `secret` value is never shown; a `filed` one may also come as the path of a file.
    """

    expected: str
    read: Callable[[object], Any]
    secret: bool = False
    filed: bool = False


def _hide(expected: str, read: Callable[[object], Any]) -> Rule:
    return Rule(expected, read, secret=True, filed=True)


def whole_number(low: int, high: int) -> Rule:
    kind = Annotated[int, Meta(ge=low, le=high)]
    return Rule(f"a whole number from {low} to {high}", partial(_convert, kind))


def seconds(high: int) -> Rule:
    kind = Annotated[float, Meta(gt=0, le=high)]
    return Rule(f"a number of seconds above 0, at most {high}", partial(_convert, kind))


def money() -> Rule:
    return Rule("an amount such as 0.10, at most 6 decimals", partial(_read_decimal, _MONEY))


def price() -> Rule:
    return Rule("a price per unit such as 0.049", partial(_read_decimal, _PRICE))


def share() -> Rule:
    kind = Annotated[float, Meta(gt=0, le=1)]
    return Rule("a share above 0, at most 1, such as 0.02", partial(_convert, kind))


def shares() -> Rule:
    return Rule("a list of shares above 0, at most 1, such as [0.8, 0.95]", _read_shares)


def waits() -> Rule:
    return Rule("a list of 1 to 50 whole seconds, such as [5, 300, 1800]", _read_waits)


def choice(*allowed: str) -> Rule:
    return Rule(f"one of {', '.join(allowed)}", partial(_read_choice, allowed))


def choices(*allowed: str) -> Rule:
    """Several of `allowed`, each once, in the order given: a list, or text with commas."""
    return Rule(f"a list of {', '.join(allowed)}", partial(_read_choices, allowed))


def toggle() -> Rule:
    return Rule("1 or 0 (also true or false)", _read_toggle)


def flag() -> Rule:
    """On or off, kept as `true` or `false`."""
    return as_text(Rule("true or false (also 1 or 0)", _read_toggle))


def names() -> Rule:
    """Kept as one text with commas."""
    return Rule("names with commas, or a list of them, none twice", _read_names)


def as_text(rule: Rule) -> Rule:
    """As `rule`, but the checked value is kept as text."""
    return rule._replace(read=lambda value: str(rule.read(value)).lower())


def printable(least: int) -> Rule:
    return _hide(f"at least {least} printable ASCII characters", partial(_read_key, least))


def token() -> Rule:
    return _hide("printable ASCII characters without spaces", _read_token)


def master_keys() -> Rule:
    expected = "32 bytes in base64 each, comma separated, newest first, none twice"
    return _hide(f"{expected} (`openssl rand -base64 32` makes one)", _read_master_keys)


def web_url() -> Rule:
    return Rule("an http:// or https:// address without user, query and fragment", _read_web_url)


def store_url() -> Rule:
    expected = "redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH of one primary"
    # No secret as such, but it usually carries a password.
    return Rule(expected, _read_store_url, filed=True)


def networks() -> Rule:
    return Rule("networks such as 10.0.0.0/8, fd00::/8, no host bits set", _read_networks)


def time_zone() -> Rule:
    return Rule("a name of the time zone database such as Europe/Berlin", _read_time_zone)


def currency() -> Rule:
    return Rule("an ISO 4217 code such as USD", partial(_read_match, _CURRENCY))


def directory() -> Rule:
    return Rule("the path of a directory", _read_path)


def url_path() -> Rule:
    return Rule("a path such as /contacts", _read_url_path)


def field_path() -> Rule:
    expected = "a field such as name or person.name|title (dots descend, bars are alternatives)"
    return Rule(expected, partial(_read_match, _FIELD))


def split(value: object) -> list[Any]:
    """The members of a list, or of text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return msgspec.convert(value, list[Any])


def _convert(kind: Any, value: object) -> Any:
    if isinstance(value, Text):
        return msgspec.convert(str(value), kind, strict=False)
    return msgspec.convert(value, kind)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not text")
    return str(value)


def _read_match(pattern: re.Pattern[str], value: object) -> str:
    text = _text(value)
    if not pattern.fullmatch(text):
        raise ValueError("not of that form")
    return text


def _read_decimal(pattern: re.Pattern[str], value: object) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        # Written out in full, 1e999999999 would be a gigabyte of zeros.
        value = format(number, "f") if abs(number.adjusted()) < 20 else ""
    return Decimal(_read_match(pattern, value))


def _read_shares(value: object) -> tuple[Decimal, ...]:
    found = tuple(_read_decimal(_FRACTION, item) for item in split(value))
    if not all(found):
        raise ValueError("a share of nothing")
    return found


def _read_waits(value: object) -> tuple[int, ...]:
    kind = Annotated[int, Meta(ge=1, le=7 * 86_400)]
    found = tuple(_convert(kind, item) for item in split(value))
    if not 1 <= len(found) <= 50:
        raise ValueError("none, or too many")
    return found


def _read_choice(allowed: Sequence[str], value: object) -> str:
    text = _text(value).lower()
    if text not in allowed:
        raise ValueError("not one of them")
    return text


def _read_choices(allowed: Sequence[str], value: object) -> tuple[str, ...]:
    found = tuple(_read_choice(allowed, item) for item in split(value))
    if not found or len(set(found)) < len(found):
        raise ValueError("none, or one twice")
    return found


def _read_names(value: object) -> str:
    found = [_read_match(_NAME, item) for item in split(value)]
    if not found or len(set(found)) < len(found):
        raise ValueError("none, or one twice")
    return ",".join(found)


def _read_toggle(value: object) -> bool:
    if not isinstance(value, bool | int | str) or str(value).lower() not in _TOGGLES:
        raise ValueError("neither on nor off")
    return _TOGGLES[str(value).lower()]


def _read_key(least: int, value: object) -> Secret:
    text = _read_match(_PRINTABLE, value)
    if len(text) < least:
        raise ValueError("too short")
    return Secret(text)


def _read_token(value: object) -> Secret:
    return Secret(_read_match(_TOKEN, value))


def _read_master_keys(value: object) -> tuple[Secret, ...]:
    keys = tuple(_read_master_key(item) for item in split(value))
    if not keys or len(set(keys)) < len(keys):
        raise ValueError("none, or one twice")
    return keys


def _read_master_key(value: object) -> Secret:
    # Key generators differ: both alphabets and missing padding are understood, one form is kept.
    text = _text(value).translate(str.maketrans("-_", "+/")).rstrip("=")
    raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if len(raw) != 32:
        raise ValueError("not 32 bytes")
    return Secret(base64.b64encode(raw).decode())


def _split_url(text: str) -> SplitResult:
    if not _TOKEN.fullmatch(text):
        raise ValueError("spaces or characters beyond ASCII")
    parts = urlsplit(text)
    if parts.hostname and parts.port == 0:
        raise ValueError("no port")
    return parts


def _read_web_url(value: object) -> str:
    text = _text(value)
    parts = _split_url(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not a web address")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError("more than an address")
    return text.rstrip("/")


def _read_store_url(value: object) -> MaskedUrl:
    text = _text(value)
    parts = _split_url(text)
    place = {"redis": parts.hostname, "rediss": parts.hostname, "unix": parts.path.strip("/")}
    if not place.get(parts.scheme) or "," in parts.netloc or parts.fragment:
        raise ValueError("not the address of one store")
    if parts.scheme != "unix" and not _DATABASE.fullmatch(parts.path):
        raise ValueError("not the address of one store")
    return MaskedUrl(text)


def _read_networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(_text(item)) for item in split(value))


def _read_time_zone(value: object) -> str:
    try:
        return zoneinfo.ZoneInfo(_text(value)).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("unknown time zone") from error


def _read_path(value: object) -> Path:
    text = _text(value)
    if "\0" in text:
        raise ValueError("not a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("no such user") from error


def _read_url_path(value: object) -> str:
    text = _read_match(_TOKEN, value)
    if not text.startswith("/") or "?" in text or "#" in text:
        raise ValueError("not a path")
    return text
