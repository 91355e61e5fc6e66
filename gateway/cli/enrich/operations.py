"""Per operation: where it is asked, what a row gives it, what an answer adds to the row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.cli.failure import clean, describe, dicts, to_lines

ROUTE = ("provider", "cost", "outcome", "error")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
NUMBER = re.compile(r"[+-]?[0-9][0-9.]*")
"""Also a telephone number in E.164."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`guessed` fields are looked for in the headings, `extra` ones only taken from `--map`."""

    path: str
    guessed: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    needs_text: str
    columns: tuple[str, ...]
    extra: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return self.guessed + self.extra


PROFILE = ("city", "country")

OPERATIONS = {
    "emails.find": Operation(
        path="/v1/emails/find",
        guessed=("first_name", "last_name", "full_name", "domain", "company", "linkedin_url"),
        needs=(
            ("first_name", "last_name", "domain"),
            ("first_name", "last_name", "company"),
            ("full_name", "domain"),
            ("full_name", "company"),
            ("linkedin_url",),
        ),
        needs_text="first_name and last_name (or full_name) with domain (or company), "
        "or linkedin_url",
        columns=("email", "status", "confidence", *ROUTE),
        extra=("job_title", "phone", "location"),
    ),
    "emails.verify": Operation(
        path="/v1/emails/verify",
        guessed=("email",),
        needs=(("email",),),
        needs_text="email",
        columns=("status", "confidence", *ROUTE),
    ),
    "people.enrich": Operation(
        path="/v1/people/enrich",
        guessed=("email", "linkedin_url"),
        needs=(("email",), ("linkedin_url",)),
        needs_text="email or linkedin_url",
        columns=(
            "full_name",
            "first_name",
            "last_name",
            "emails",
            "job_title",
            "seniority",
            "department",
            "company",
            "domain",
            "linkedin_url",
            "phone",
            *PROFILE,
            *ROUTE,
        ),
    ),
    "companies.enrich": Operation(
        path="/v1/companies/enrich",
        guessed=("domain", "company"),
        needs=(("domain",), ("company",)),
        needs_text="domain or company",
        columns=(
            "name",
            "domain",
            "description",
            "industry",
            "headcount",
            "headcount_min",
            "headcount_max",
            "founded_year",
            "company_type",
            "phone",
            "website",
            "linkedin_url",
            *PROFILE,
            *ROUTE,
        ),
    ),
}

HINTS = ("job_title", "phone", "location")


def to_query(values: Mapping[str, str]) -> dict[str, Any]:
    """A row's mapped cells as a request body; whether it is enough is the API's to say."""
    query: dict[str, Any] = {name: text for name, text in values.items() if text}
    if "first_name" in query and "last_name" in query:
        query.pop("full_name", None)
    hints = {name: query.pop(name) for name in HINTS if name in query}
    if query and hints:
        query["hints"] = hints
    return query


def to_cells(columns: tuple[str, ...], body: Mapping[str, Any]) -> list[str]:
    """A success as the appended cells."""
    meta = body.get("meta") or {}
    data = body.get("data") or {}
    values = {**(data.get("location") or {}), **data}
    values |= {name: meta.get(name) for name in ("provider", "cost", "outcome")}
    values["error"] = None
    return [defuse(to_text(values.get(name))) for name in columns]


def to_failed_cells(columns: tuple[str, ...], problem: Mapping[str, Any]) -> list[str]:
    """A failure as the appended cells; what it cost all the same is there too."""
    cost = spent(problem)
    values = {"outcome": "failed", "error": to_error(problem), "cost": str(cost) if cost else ""}
    return [defuse(values.get(name, "")) for name in columns]


def to_error(problem: Mapping[str, Any]) -> str:
    """`code: title: detail; pointer: details`, on one line."""
    parts = [describe(int(problem.get("status") or 0), problem)]
    parts += to_lines(problem)
    text = "; ".join(parts)
    return f"{clean(problem['code'])}: {text}" if problem.get("code") else text


def spent(body: Mapping[str, Any]) -> Decimal:
    """What a lookup cost: `meta.cost`, or the attempts of one that failed."""
    meta = body.get("meta") or {}
    if meta.get("cost") is not None:
        return to_money(meta["cost"])
    return sum((to_money(one.get("cost")) for one in dicts(body.get("attempts"))), Decimal(0))


def to_money(value: object) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def to_text(value: object) -> str:
    """One cell; lists joined, an object by its address or name."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, map(to_text, value)))
    if isinstance(value, Mapping):
        return to_text(value.get("email") or value.get("name"))
    return str(value)


def defuse(text: str) -> str:
    """A leading apostrophe where a spreadsheet would run the cell as a formula."""
    harmless = not text.lstrip(" ").startswith(FORMULA_STARTS) or NUMBER.fullmatch(text)
    return text if harmless else f"'{text}"
