"""Phone numbers as E.164."""

from __future__ import annotations

import re
from typing import Any

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    format_number,
    is_possible_number,
    is_valid_number,
    parse,
)

# A number that says its country code and no more; parsing it would only write it again.
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
# Says its country code without a plus: digits alone, more than most national numbers have.
_BARE = re.compile(r"[0-9]{11,15}")


def to_phone(value: Any, country: str | None = None) -> str | None:
    """E.164, from a number with a country code or in `country`; None if neither is known.

    The plus may be missing from many digits (Snov.io: 13477050819), or be written as 00.
    """
    text = str(value).strip() if isinstance(value, str | int) else ""
    if not text:
        return None
    if _E164.fullmatch(text):
        return text
    if text.startswith("+"):
        return _written(_parsed(text, None))
    national = _parsed(text, country) if country else None
    if national is not None and is_valid_number(national):
        return _written(national)
    if not (text.startswith("00") or _BARE.fullmatch(text)):
        return None
    bare = _parsed("+" + text.removeprefix("00"), None)
    return _written(bare) if bare is not None and is_valid_number(bare) else None


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(text, region)
    except NumberParseException:
        return None


def _written(number: PhoneNumber | None) -> str | None:
    if number is None or not is_possible_number(number):
        return None
    return format_number(number, PhoneNumberFormat.E164)
