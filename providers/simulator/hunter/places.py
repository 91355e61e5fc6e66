"""Hunter's location filters: continents, regions, countries, states and cities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from providers.simulator.hunter.replies import refuse
from providers.simulator.population import Company

# The countries of the simulated world, with their continent and business region.
COUNTRIES: Mapping[str, tuple[str, str]] = {
    "US": ("North America", "AMER"),
    "CA": ("North America", "AMER"),
    "BR": ("South America", "LATAM"),
    "GB": ("Europe", "EMEA"),
    "DE": ("Europe", "EMEA"),
    "FR": ("Europe", "EMEA"),
    "NL": ("Europe", "EMEA"),
    "SE": ("Europe", "EMEA"),
    "SG": ("Asia", "APAC"),
    "IN": ("Asia", "APAC"),
}
CONTINENTS = {
    "Europe", "Asia", "North America", "Africa", "Antarctica", "South America", "Oceania",
}  # fmt: skip
REGIONS = {"AMER", "EMEA", "APAC", "LATAM"}
PARTS: Mapping[str, Callable[[Company], str]] = {
    "continent": lambda company: COUNTRIES[company.country_code][0].casefold(),
    "business_region": lambda company: COUNTRIES[company.country_code][1].casefold(),
    "country": lambda company: company.country_code.casefold(),
    "state": lambda company: company.state.casefold(),
    "city": lambda company: company.city.casefold(),
}
# State codes that the world knows by their names.
STATES = {"CA": "California", "TX": "Texas", "NY": "New York"}


class Places(NamedTuple):
    include: list[dict[str, str]]
    exclude: list[dict[str, str]]


def read_places(value: Any, name: str) -> Places:
    """Refuses what is no location with the id of the field that is wrong."""
    if value is None or value == "":
        return Places([], [])
    if not isinstance(value, dict) or not value.keys() <= {"include", "exclude"}:
        raise refuse(400, f"invalid_{name}", f"The supplied {name} is invalid.")
    return Places(
        *([_read(place, f"{name}_{side}") for place in _list(value.get(side), name)]
          for side in ("include", "exclude"))
    )  # fmt: skip


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise refuse(400, f"invalid_{name}", f"The supplied {name} is invalid.")
    return value


def _read(place: Any, name: str) -> dict[str, str]:
    if not isinstance(place, dict) or not place or not place.keys() <= PARTS.keys():
        raise refuse(400, f"invalid_{name}_combination", "This is no combination of places.")
    parts = {part: str(value).strip() for part, value in place.items()}
    if ("city" in parts or "state" in parts) and "country" not in parts:
        raise refuse(400, f"invalid_{name}_combination", "A city or state needs its country.")
    tests = {
        "continent": parts.get("continent", "Europe") in CONTINENTS,
        "business_region": parts.get("business_region", "EMEA") in REGIONS,
        "country": len(parts.get("country", "US")) == 2,
        "state": "state" not in parts or parts["country"] == "US",
    }
    for part, fits in tests.items():
        if not fits:
            raise refuse(400, f"invalid_{name}_{part}", f"The supplied {part} is invalid.")
    if "state" in parts:
        parts["state"] = STATES.get(parts["state"], parts["state"])
    return {part: value.casefold() for part, value in parts.items()}


def is_within(company: Company, places: Places) -> bool:
    included = not places.include or any(_is_in(company, place) for place in places.include)
    return included and not any(_is_in(company, place) for place in places.exclude)


def _is_in(company: Company, place: dict[str, str]) -> bool:
    return all(PARTS[part](company) == value for part, value in place.items())
