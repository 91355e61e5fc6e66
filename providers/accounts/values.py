"""Values of drafts that every provider takes in one form. Raise Refused for what has none."""

from __future__ import annotations

from providers.accounts.refusals import Complaint, Refused
from providers.model import Place
from providers.values.countries import to_country
from providers.values.phones import to_phone


def checked_country(place: Place | None) -> str | None:
    """ISO 3166-1 alpha-2."""
    if place is None or place.country is None:
        return None
    found = to_country(place.country)
    if found is None:
        details = "is not a country such as DE or Germany"
        raise Refused([Complaint(details, "/location/country")])
    return found


def checked_phone(text: str, country: str | None) -> str:
    """E.164."""
    found = to_phone(text, country)
    if found is None:
        details = "is not a phone number with its country code, such as +4930123456"
        raise Refused([Complaint(details, "/phone")])
    return found
