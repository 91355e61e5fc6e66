"""What the OpenAPI document says of the providers' own APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api.native.framing import METHODS
from gateway.api.problems import CODES, MEDIA_TYPE
from gateway.vault.passes import LIFE
from providers.base import Adapter
from providers.registry import ADAPTERS

TAG = "Native"
REFUSALS = (
    *("malformed_request", "unauthenticated", "budget_exhausted", "forbidden", "not_found"),
    "method_not_allowed",
    *("too_large", "unsupported_media_type", "invalid_query", "rate_limited", "suppressed"),
    *("internal_error", "all_providers_failed", "no_provider_configured"),
    *("no_provider_available", "ledger_unavailable"),
)
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
ANYTHING: Mapping[str, Any] = {"*/*": {}}
HEADERS = {
    "X-Request-Id": {
        "description": "the provider's own, else the gateway's",
        "schema": {"type": "string"},
    },
    "X-Gateway-Refused": {
        "description": "`1` if the gateway refused, and not the provider",
        "schema": {"type": "string"},
    },
}
PARAMETERS = [
    {
        "name": "path",
        "in": "path",
        "required": True,
        "description": "whatever follows the provider's base URL, slashes and all",
        "schema": {"type": "string"},
    },
    {
        "name": "X-Gateway-Credential",
        "in": "header",
        "description": "the account to ask, by id or name (also `?credential=`); else the team's"
        " of most weight",
        "schema": {"type": "string"},
    },
]
ABOUT = (
    "The provider's own API: method, path, query and body go to it as they are, with the account's"
    " credential in place of the gateway key, and its reply comes back as it is. The key needs the"
    " scope `native`, and `accounts:read` or `accounts:write` for account objects; it may stand"
    " wherever the clients of the provider put its key."
)


def paths() -> dict[str, Any]:
    """A wildcard path for each provider, and the sign-ins that the gateway answers itself."""
    found: dict[str, Any] = {}
    for name, adapter in ADAPTERS.items():
        found[f"/native/{name}/{{path}}"] = {
            method.lower(): _passed_on(name, method) for method in METHODS
        }
        if adapter.native.signs_in_at:
            found[f"/native/{name}{adapter.native.signs_in_at}"] = {"post": _sign_in(adapter)}
    return found


def _passed_on(name: str, method: str) -> dict[str, Any]:
    return {
        "tags": [TAG],
        "operationId": f"Native{name.capitalize()}{method.capitalize()}",
        "summary": f"{method} at {name}",
        "description": ABOUT,
        "parameters": PARAMETERS,
        "responses": {
            **_refusals(ANYTHING),
            "default": {
                "description": "What the provider answers.",
                "headers": HEADERS,
                "content": ANYTHING,
            },
        },
    }


def _refusals(more: Mapping[str, Any]) -> dict[str, Any]:
    """The gateway's own; the provider may answer with the same status, and `more`."""
    words: dict[str, list[str]] = {}
    for code in REFUSALS:
        words.setdefault(str(CODES[code][0]), []).append(code)
    return {
        status: {
            "description": ", ".join(codes),
            "headers": HEADERS,
            "content": {**PROBLEM, **more},
        }
        for status, codes in words.items()
    }


def _sign_in(adapter: type[Adapter]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"type": "string"},
            "expires_in": {"type": "integer"},
        },
        "required": ["access_token", "token_type", "expires_in"],
    }
    return {
        "tags": [TAG],
        "operationId": f"Native{adapter.name.capitalize()}SignIn",
        "summary": f"Sign in for {adapter.name}",
        "description": "As form or JSON: `grant_type` `client_credentials`, any `client_id`, and"
        f" the gateway key as `client_secret`. The token lives {LIFE} s, and dies with its key.",
        "security": [],
        "responses": {
            "200": {
                "description": "A token of the gateway's own.",
                "headers": HEADERS,
                "content": {"application/json": {"schema": schema}},
            },
            **_refusals({}),
        },
    }
