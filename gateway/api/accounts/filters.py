"""Filters of lists of leads, from a query that says nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request

from gateway.api.accounts.visits import PARAMETER
from gateway.api.decoding import to_body
from gateway.api.problems import invalid
from gateway.lookup.drafts import clean_filters
from providers.accounts.drafts import LeadFilters

MANY = ("status", "sending_status")
CUSTOM = "custom_fields"
PAGING = ("limit", "cursor", PARAMETER)
_KEYED = re.compile(rf"{CUSTOM}\[([^\[\]]+)\]")


def filters_of(request: Request[Any, Any, Any]) -> LeadFilters:
    """Repeated, with commas, or with brackets as providers write them. Raises Problem (422)."""
    given: dict[str, list[str]] = defaultdict(list)
    custom: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if keyed := _KEYED.fullmatch(name):
            custom[keyed[1]] = value
        elif name not in PAGING:
            given[name.removesuffix("[]")].append(value)
    members: dict[str, Any] = {name: _one(name, values) for name, values in given.items()}
    return clean_filters(to_body(members | ({CUSTOM: custom} if custom else {}), LeadFilters))


def _one(name: str, values: list[str]) -> Any:
    if name not in LeadFilters.__struct_fields__ or name == CUSTOM:
        known = ", ".join(LeadFilters.__struct_fields__)
        raise invalid(f"/{name}", f"is not one of the filters {known}")
    if name in MANY:
        return [word for text in values for word in text.split(",") if word]
    if len(values) > 1:
        raise invalid(f"/{name}", "is given twice")
    return values[0]


def parameters() -> list[dict[str, Any]]:
    """As OpenAPI describes them."""
    schema = msgspec.json.schema(LeadFilters)
    properties: Mapping[str, Any] = schema["$defs"]["LeadFilters"]["properties"]
    return [_parameter(name, found) for name, found in properties.items()]


def _parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in schema.items() if key != "default"}
    options = [one for one in plain.get("anyOf", [plain]) if one != {"type": "null"}]
    # Whatever comes in a query is text.
    plain = next((one for one in options if one.get("type") != "integer"), options[0])
    made: dict[str, Any] = {"name": name, "in": "query", "schema": plain}
    if name == CUSTOM:
        made |= {"style": "deepObject", "explode": True}
    return made
