"""Which column holds what: guessed from the headings, or said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import click

from gateway.cli.enrich.headings import NOISE, OWN_NAME, SYNONYMS
from gateway.cli.enrich.operations import Operation


def normalise(heading: str) -> str:
    """`Prénom`, `firstName`, `E-MAIL:` → `prenom`, `first name`, `e mail`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    plain = unicodedata.normalize(
        "NFKD", spaced.replace("LinkedIn", "Linkedin").replace("ß", "ss")
    )
    letters = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    letters = letters.replace("ł", "l").replace("ø", "o").replace("linked in", "linkedin")
    return " ".join(re.findall(r"[^\W_]+", letters))


def guess(headings: Sequence[str], operation: Operation) -> dict[str, int]:
    """Field → column; a heading serves one field, the better synonym wins."""
    people = "first_name" in operation.guessed or "email" in operation.guessed
    ranked = sorted(
        (rank, column, field)
        for field in operation.guessed
        for column, heading in enumerate(headings)
        if (rank := rank_of(heading, field, people=people)) is not None
    )
    mapping: dict[str, int] = {}
    for _, column, field in ranked:
        if field not in mapping and column not in mapping.values():
            mapping[field] = column
    return {field: mapping[field] for field in operation.guessed if field in mapping}


def rank_of(heading: str, field: str, *, people: bool) -> int | None:
    """Lower is likelier; none when the heading says something else."""
    words = normalise(heading)
    known = SYNONYMS[field] if people else SYNONYMS[field] + OWN_NAME.get(field, ())
    if words in known:
        return known.index(words)
    bare = " ".join(word for word in words.split() if word not in NOISE)
    return 100 + known.index(bare) if bare and bare in known else None


def override(
    mapping: Mapping[str, int],
    assignments: Iterable[str],
    headings: Sequence[str],
    operation: Operation,
) -> dict[str, int]:
    """`field=Heading` over the guess; `field=` takes a field away."""
    result = dict(mapping)
    for assignment in assignments:
        field, equals, heading = (part.strip() for part in assignment.partition("="))
        if not equals or field not in operation.fields:
            raise click.UsageError(
                f"--map {assignment}: expected FIELD=HEADING, "
                f"FIELD one of {', '.join(operation.fields)}"
            )
        result.pop(field, None)
        if heading:
            result[field] = column_of(heading, headings)
    return {field: result[field] for field in operation.fields if field in result}


def column_of(heading: str, headings: Sequence[str]) -> int:
    """By the heading as it stands, else by how it reads."""
    if heading in headings:
        return headings.index(heading)
    alike = [i for i, one in enumerate(headings) if normalise(one) == normalise(heading)]
    if len(alike) == 1:
        return alike[0]
    raise click.UsageError(f"no column {heading!r}; the file has {', '.join(map(repr, headings))}")


def suffices(mapping: Mapping[str, int], operation: Operation) -> bool:
    return any(all(field in mapping for field in fields) for fields in operation.needs)


def append_columns(headings: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The headings of the output; one that is taken gets the prefix `prospect_`."""
    taken = {heading.strip().casefold() for heading in headings}
    result = list(headings)
    for column in columns:
        name = column
        while name in taken:
            name = f"prospect_{name}"
        taken.add(name)
        result.append(name)
    return result
