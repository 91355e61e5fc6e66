"""Where something is: places in one line, and the states of the United States."""

from __future__ import annotations

from providers.model import Location
from providers.values.countries import to_country

_STATES = """
AL Alabama; AK Alaska; AZ Arizona; AR Arkansas; CA California; CO Colorado; CT Connecticut;
DE Delaware; DC District of Columbia; FL Florida; GA Georgia; HI Hawaii; ID Idaho; IL Illinois;
IN Indiana; IA Iowa; KS Kansas; KY Kentucky; LA Louisiana; ME Maine; MD Maryland;
MA Massachusetts; MI Michigan; MN Minnesota; MS Mississippi; MO Missouri; MT Montana; NE Nebraska;
NV Nevada; NH New Hampshire; NJ New Jersey; NM New Mexico; NY New York; NC North Carolina;
ND North Dakota; OH Ohio; OK Oklahoma; OR Oregon; PA Pennsylvania; RI Rhode Island;
SC South Carolina; SD South Dakota; TN Tennessee; TX Texas; UT Utah; VT Vermont; VA Virginia;
WA Washington; WV West Virginia; WI Wisconsin; WY Wyoming
"""
_NAMED = (entry.strip() for entry in _STATES.replace("\n", " ").split(";"))
_CODE_OF = {entry[3:].casefold(): entry[:2] for entry in _NAMED}


def to_us_state(value: str | None) -> str | None:
    """The postal code of a state's code or name; None if it is neither."""
    text = (value or "").strip()
    code = text.upper()
    return code if code in _CODE_OF.values() else _CODE_OF.get(text.casefold())


def to_place(text: str | None, country: str | None = None) -> Location | None:
    """`City, State, Country`, from the right as far as it goes; `country` as a code, if known."""
    parts = [part for part in map(str.strip, (text or "").split(",")) if part]
    named = to_country(parts[-1]) if parts else None
    if named is not None and named == (country or named):
        parts, country = parts[:-1], named
    if not (parts or country):
        return None
    city = parts[0] if parts else None
    return Location(city=city, state=", ".join(parts[1:]) or None, country=country)
