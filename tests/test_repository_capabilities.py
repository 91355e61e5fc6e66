"""CAPABILITIES.md lists every documented endpoint of the providers, and how each is reached."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.accounts.base import ACTIONS
from providers.model import OPERATIONS
from providers.registry import ACCOUNTS, ADAPTERS
from providers.simulator.endpoints import BY_PROVIDER, Endpoint
from tests.gateway.accounts.walk import NATIVE_ONLY
from tests.test_repository_readme import operations_table, table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CAPABILITIES.md"
RECORDINGS = ROOT / "tests" / "recordings"
UPDATE = 'UPDATE_README=1 make test ARGS="-k capabilities"'
SIGN_IN = "/v1/oauth/access_token"
OPENING = """\
# Capabilities

What the gateway reaches of each provider. Generated from the adapters' own tables and from the
providers' documents; renew it with `{update}`.

## Lookups

A cell is the worst cost of one call at default prices, in money, and when the provider bills it.

{lookups}
## Account objects

Under `/v1/providers/{{provider}}/…`, all free. A cell is the provider's endpoint behind
the action; `-` answers 422 `unsupported`.

{accounts}
## The providers' own APIs

Every documented endpoint is reached as `/native/{{provider}}{{path}}`, byte for byte.
*Charged* says what a call is billed by, in units of the provider; *unified* what asks the same in
the gateway's vocabulary.

{endpoints}
{counts}
"""


def accounts_table() -> str:
    rows = [[f"`{action}`", *(reached(name, action) for name in ADAPTERS)] for action in ACTIONS]
    return table(["action", *ADAPTERS], rows)


def reached(provider: str, action: str) -> str:
    found = ACCOUNTS[provider].endpoints.get(action) if provider in ACCOUNTS else None
    return ", ".join(f"`{name}`" for name in found) if found else "-"


def endpoints_table() -> str:
    rows = [
        [provider, f"`{row.name}`", charged(row), unified(row)]
        for provider, listed in BY_PROVIDER.items()
        for row in listed
    ]
    return table(["provider", "endpoint", "charged", "unified"], rows)


def charged(row: Endpoint) -> str:
    """As the price table of native paths has it."""
    found = ADAPTERS[row.provider].native.match(row.method, re.sub(r"\{[^}]*\}", "1", row.path))
    if row.path == SIGN_IN:
        return "answered by the gateway"
    assert found.path is not None, f"no table of native paths has {row.name}"
    if found.access == "secret":
        return "free, admin keys only"
    return f"{found.path.unit} by {found.path.charged_by}" if found.path.unit else "free"


def unified(row: Endpoint) -> str:
    found = [f"`{name}`" for name in (*lookups_by(row), *actions_by(row))]
    alias = f"another spelling of `{row.alias_of}`" if row.alias_of else ""
    reason = NATIVE_ONLY.get(row.provider, {}).get(row.name, alias)
    return ", ".join(found) or (f"native: {reason}" if reason else "native")


def lookups_by(row: Endpoint) -> Iterator[str]:
    """Operations whose recordings ask the endpoint."""
    path = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(row.path))
    asked = re.compile(rf"{row.method} {path}/?(\?.*)?")
    for operation in OPERATIONS:
        for file in sorted((RECORDINGS / row.provider).glob(f"{operation}*.json")):
            if any(
                asked.fullmatch(request) for request in requests_in(json.loads(file.read_text()))
            ):
                yield operation
                break


def requests_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("request"), str):
            yield value["request"]
        for item in value.values():
            yield from requests_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from requests_in(item)


def actions_by(row: Endpoint) -> Iterator[str]:
    if row.provider in ACCOUNTS:
        endpoints = ACCOUNTS[row.provider].endpoints
        yield from (action for action in ACTIONS if row.name in endpoints.get(action, ()))


def counts() -> str:
    told = ", ".join(
        f"{len(listed)} {ADAPTERS[name].title}" for name, listed in BY_PROVIDER.items()
    )
    return f"{sum(map(len, BY_PROVIDER.values()))} endpoints: {told}; 0 are missing."


def page() -> str:
    return OPENING.format(
        update=UPDATE,
        lookups=operations_table(),
        accounts=accounts_table(),
        endpoints=endpoints_table(),
        counts=counts(),
    )


def test_the_page_of_capabilities_is_what_there_is() -> None:
    if os.environ.get("UPDATE_README"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), UPDATE


def test_an_endpoint_that_no_table_of_prices_has_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no table"):
        charged(Endpoint(provider="hunter", method="GET", path="/new", source="x"))
