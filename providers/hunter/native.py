"""Hunter's own API as it is passed through.

hunter.txt (S0), the newer edition (H-docs) and what Hunter's own clients call (H-mcp), read
2026-11-21. What enrichment costs is assumed: one search a hit.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from providers.model import (
    COMPANIES_ENRICH,
    COMPANIES_SEARCH,
    DOMAINS_SEARCH,
    EMAILS_COUNT,
    EMAILS_FIND,
    EMAILS_VERIFY,
    PEOPLE_ENRICH,
)
from providers.native import Asked, NativeApi, renamed, rows

A_UNIT = 1000
PER_UNIT = 10
DEFAULT_LIMIT, MOST = 10, 100
NO_VERDICT = (202, 222)
BILLED = frozenset({"valid", "invalid", "accept_all"})


def one(_asked: Asked) -> int:
    return A_UNIT


def worst_search(asked: Asked) -> int:
    """One for every ten addresses that may come."""
    return _per_ten(asked.number("limit", DEFAULT_LIMIT, MOST))


def charged_search(_asked: Asked, _status: int, body: Any) -> int:
    return _per_ten(len(body["data"]["emails"]))


def charged_hit(_asked: Asked, _status: int, body: Any) -> int:
    return A_UNIT if body["data"]["email"] else 0


def charged_verdict(_asked: Asked, status: int, body: Any) -> int:
    """A verification under way, or one that failed, is a 2xx too."""
    if status in NO_VERDICT:
        return 0
    return A_UNIT if body["data"]["status"] in BILLED else 0


def charged_profile(_asked: Asked, _status: int, body: Any) -> int:
    """A miss is a 404."""
    return A_UNIT if body["data"] else 0


def _per_ten(addresses: int) -> int:
    return -(-addresses // PER_UNIT) * A_UNIT


_searches = partial(rows, "", unit="search")
_read, _write, _secret = (partial(rows, word) for word in ("read", "write", "secret"))

_LOOKUPS = (
    *_searches(
        "GET /domain-search", "POST /domain-search", "GET /domain-search/found",
        worst=worst_search, charged=charged_search,
    ),
    *_searches("GET /email-finder", "GET /email-finder/found", worst=one, charged=charged_hit),
    *rows("", "GET /email-verifier", unit="verification", worst=one, charged=charged_verdict),
    *_searches(
        "GET /people/find", "GET /companies/find", "GET /combined/find",
        worst=one, charged=charged_profile,
    ),
    *rows("", "GET /email-count", "GET /logos/{domain}", keyless=True),
    *rows(
        "", "POST /discover", "GET /discover/people", "POST /discover/people",
        "GET /domain-finder", "GET /account", "GET /usage",
    ),
)  # fmt: skip
_SECRETS = _secret(
    "GET /team/members", "GET /api-keys", "POST /api-keys", "PUT /api-keys/{id}",
    "DELETE /api-keys/{id}",
)  # fmt: skip
_LEADS = (
    *_read(
        "GET /leads", "GET /leads/exist", "GET /leads/{id}", "GET /leads_custom_attributes",
        "GET /leads_custom_attributes/{id}", "GET /leads_lists", "GET /leads_lists/{id}",
    ),
    *_write(
        "POST /leads", "PUT /leads", "PUT /leads/{id}", "DELETE /leads/{id}",
        "POST /leads/bulk/move", "POST /leads/bulk/delete", "POST /leads_custom_attributes",
        "PUT /leads_custom_attributes/{id}", "DELETE /leads_custom_attributes/{id}",
        "POST /leads_lists", "PUT /leads_lists/{id}", "DELETE /leads_lists/{id}",
    ),
)  # fmt: skip
_CAMPAIGNS = (
    *_read("GET /campaigns", "GET /campaigns/{id}/recipients"),
    *_write(
        "POST /campaigns/{id}/recipients", "DELETE /campaigns/{id}/recipients",
        "POST /campaigns/{id}/start",
    ),
)  # fmt: skip
_SEQUENCES = (
    *_read(
        "GET /sequences/{id}", "GET /sequences/{id}/stats", "GET /sequences/{id}/follow-ups",
        "GET /sequences/{id}/follow-ups/{step}",
    ),
    *_write(
        "POST /sequences", "PUT /sequences/{id}", "DELETE /sequences/{id}",
        "POST /sequences/{id}/pause", "DELETE /sequences/{id}/pause",
        "POST /sequences/{id}/archive", "POST /sequences/{id}/follow-ups",
        "PUT /sequences/{id}/follow-ups/{step}", "DELETE /sequences/{id}/follow-ups/{step}",
    ),
)  # fmt: skip
_WEBHOOKS = (
    *_read("GET /webhooks", "GET /webhooks/{id}"),
    *_write("POST /webhooks", "PUT /webhooks/{id}", "DELETE /webhooks"),
)


NATIVE = NativeApi(
    paths=(
        *_LOOKUPS, *_SECRETS, *_LEADS, *_CAMPAIGNS, *_SEQUENCES,
        *renamed(_CAMPAIGNS, "/campaigns", "/sequences"), *_WEBHOOKS,
    ),
    lookups={
        EMAILS_FIND: ("/email-finder", "/email-finder/found"),
        EMAILS_VERIFY: ("/email-verifier",),
        EMAILS_COUNT: ("/email-count",),
        PEOPLE_ENRICH: ("/people/find",),
        COMPANIES_ENRICH: ("/companies/find",),
        DOMAINS_SEARCH: ("/domain-search", "/domain-search/found"),
        COMPANIES_SEARCH: ("/discover",),
    },
    query_keys=("api_key",),
    accounts=(
        "lead", "campaign", "sequence", "webhook", "tag", "compan", "template", "email_account",
    ),
)  # fmt: skip
