"""A file of simulated people as a sales team might have it, a few rows of it spoilt."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from providers.simulator.population import Person
from providers.simulator.world import World

SHIPPED = Path(__file__).parent / "people-200.csv"
HEADINGS = ("First Name", "Last Name", "Company Website", "Company", "LinkedIn URL")
SPOILT = 6
REPEATED = 4

Row = tuple[str, str, str, str, str]


def list_people(world: World, count: int = 200) -> list[Row]:
    """`count` rows; of 20 or more, six cannot be looked up and four repeat an earlier one."""
    if count < 20:
        return [_to_row(person) for person in world.people[:count]]
    rows = [_to_row(person) for person in world.people[: count - SPOILT - REPEATED]]
    step = len(rows) // (SPOILT + REPEATED)
    repeats = [_shout(rows[step * i + 1]) for i in range(REPEATED)]
    spoilt = [_spoil(rows[step * i + 2], i) for i in range(SPOILT)]
    for place, row in enumerate((*repeats, *spoilt), start=1):
        rows.insert(min(place * (step + 1) + step, len(rows)), row)
    return rows


def write_people(file: TextIO, rows: Iterable[Row]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows(rows)


def _to_row(person: Person) -> Row:
    domain = person.company.domain
    website = (domain, f"https://www.{domain}/", f"www.{domain}")[person.id % 3]
    return (
        person.first_name,
        person.last_name,
        website,
        person.company.name,
        person.linkedin_url or "",
    )


def _shout(row: Row) -> Row:
    """The same person typed by somebody else."""
    return row[0].upper(), row[1].upper(), row[2].lower(), row[3].upper(), row[4]


def _spoil(row: Row, number: int) -> Row:
    first, last, website, company, _ = row
    broken = ("no website", "blue..harbor", "http://", "-.example")
    if number < 2:
        return "", "", website, company, ""
    return first, last, broken[number - 2], "", ""
