"""Hunter: hunter.txt (S0), its newer edition (H-docs) and what its own clients call (H-mcp)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from providers.simulator.endpoints.record import Endpoint, rows_of

_row = rows_of("hunter", "")
_ROWS: dict[str, Any] = {
    "meter": "searches",
    "charge": "1 per 10 addresses, rounded up",
    "decisive": "emails",
    "word": "status",
}
_HIT: dict[str, Any] = {
    "meter": "searches", "charge": "1 when found", "decisive": "email", "word": "status",
}  # fmt: skip
# Assumed: FACTS gives no price of enrichment.
_ENRICHED: dict[str, Any] = {"meter": "searches", "charge": "1 when found (assumed)"}
_KEYS = {"secret": True}

_LOOKUPS = (
    _row("GET /domain-search", "S0 Domain Search", **_ROWS),
    _row("POST /domain-search", "H-docs Domain Search (location needs POST)", **_ROWS),
    _row("GET /domain-search/found", "H-mcp (undocumented)", **_ROWS),
    _row("GET /email-finder", "S0 Email Finder", **_HIT),
    _row("GET /email-finder/found", "H-mcp (undocumented)", **_HIT),
    _row(
        "GET /email-verifier", "S0 Email Verifier", meter="verifications",
        charge="1 when valid, invalid or accept_all", decisive="status", word="status",
        delayed=True,
    ),
    _row("GET /email-count", "S0 Email Count", decisive="total", open=True),
    _row("GET /people/find", "H-docs Email Enrichment", decisive="email", **_ENRICHED),
    _row("GET /companies/find", "H-docs Company Enrichment", decisive="domain", **_ENRICHED),
    _row("GET /combined/find", "H-docs Combined Enrichment", decisive="person", **_ENRICHED),
    _row("POST /discover", "H-docs Discover", decisive="data"),
    _row("GET /discover/people", "H-docs Discover People (beta)", decisive="data"),
    _row("POST /discover/people", "H-mcp Discover People (beta)", decisive="data"),
    _row("GET /domain-finder", "H-docs Domain Finder (beta)", decisive="data"),
    # At logos.hunter.io, a host of its own, without a path in front.
    _row("GET /logos/{domain}", "H-docs Logos", open=True),
)  # fmt: skip

_TEAM = (
    _row("GET /account", "S0 Account Information", decisive="requests"),
    _row("GET /usage", "H-docs Usage (beta)", decisive="requests"),
    _row("GET /team/members", "H-docs Team members (beta)", decisive="data", **_KEYS),
    _row("GET /api-keys", "H-docs API keys (beta)", decisive="data", word="status", **_KEYS),
    _row(
        "POST /api-keys", "H-docs API keys (beta)", decisive="token", word="status", status=201,
        **_KEYS,
    ),
    _row("PUT /api-keys/{id}", "H-docs API keys (beta)", decisive="id", word="status", **_KEYS),
    _row("DELETE /api-keys/{id}", "H-docs API keys (beta)", status=204, **_KEYS),
)  # fmt: skip

_LEADS = (
    _row("GET /leads", "S0 List all your leads", decisive="leads", word="status"),
    _row("POST /leads", "S0 Create a lead", decisive="id", status=201),
    _row("PUT /leads", "S0 Create or update a lead", decisive="id", word="status"),
    _row("GET /leads/exist", "H-ext, H-mcp", decisive="id"),
    _row("POST /leads/bulk/move", "H-docs Bulk lead operations (beta)", decisive="status",
         word="status", status=202),
    _row("POST /leads/bulk/delete", "H-docs Bulk lead operations (beta)", decisive="status",
         word="status"),
    _row("GET /leads/{id}", "S0 Get a lead", decisive="id", word="status"),
    _row("PUT /leads/{id}", "S0 Update a lead", status=204),
    _row("DELETE /leads/{id}", "S0 Delete a lead", status=204),
    _row("GET /leads_custom_attributes", "S0 List all your custom attributes",
         decisive="leads_custom_attributes"),
    _row("POST /leads_custom_attributes", "S0 Create a custom attribute", decisive="slug",
         status=201),
    _row("GET /leads_custom_attributes/{id}", "S0 Get a custom attribute", decisive="slug"),
    _row("PUT /leads_custom_attributes/{id}", "S0 Update a custom attribute", status=204),
    _row("DELETE /leads_custom_attributes/{id}", "S0 Delete a custom attribute", status=204),
)  # fmt: skip

_LISTS = (
    _row("GET /leads_lists", "S0 List all your leads lists", decisive="leads_lists"),
    _row("POST /leads_lists", "S0 Create a leads list", decisive="id", status=201),
    _row("GET /leads_lists/{id}", "S0 Get a leads list", decisive="leads", word="status"),
    _row("PUT /leads_lists/{id}", "S0 Update a leads list", status=204),
    _row("DELETE /leads_lists/{id}", "S0 Delete a leads list", status=204),
)

_CAMPAIGNS = (
    _row("GET /campaigns", "S0 List all your campaigns", decisive="campaigns"),
    _row("GET /campaigns/{id}/recipients", "S0 List the recipients of a campaign",
         decisive="recipients", word="sending_status"),
    _row("POST /campaigns/{id}/recipients", "S0 Add a recipient", decisive="recipients_added",
         status=201),
    _row("DELETE /campaigns/{id}/recipients", "S0 Cancel scheduled emails to a recipient",
         decisive="recipients_canceled", status=201),
    _row("POST /campaigns/{id}/start", "H-docs Start a sequence", decisive="message"),
)  # fmt: skip

_SEQUENCE = "/sequences/{id}"
_SEQUENCES = (
    _row("GET /sequences", "H-docs List all your sequences", decisive="sequences"),
    _row("POST /sequences", "H-docs Create a sequence", decisive="id", word="status", status=201),
    _row(f"GET {_SEQUENCE}", "H-docs Get sequence details", decisive="id", word="status"),
    _row(f"PUT {_SEQUENCE}", "H-docs Update a sequence", decisive="id", word="status"),
    _row(f"DELETE {_SEQUENCE}", "H-docs Delete a sequence", status=204),
    _row(f"POST {_SEQUENCE}/pause", "H-docs Pause a sequence", decisive="paused"),
    _row(f"DELETE {_SEQUENCE}/pause", "H-docs Resume a sequence", decisive="message"),
    _row(f"POST {_SEQUENCE}/archive", "H-docs Archive a sequence", decisive="archived"),
    _row(f"GET {_SEQUENCE}/stats", "H-docs Get sequence stats", decisive="delivered"),
    _row(f"GET {_SEQUENCE}/follow-ups", "H-docs List the follow-ups", decisive="follow_ups"),
    _row(f"POST {_SEQUENCE}/follow-ups", "H-docs Add a follow-up", decisive="follow_up",
         status=201),
    _row(f"GET {_SEQUENCE}/follow-ups/{{step}}", "H-docs Get a follow-up", decisive="id"),
    _row(f"PUT {_SEQUENCE}/follow-ups/{{step}}", "H-docs Update a follow-up", decisive="id"),
    _row(f"DELETE {_SEQUENCE}/follow-ups/{{step}}", "H-docs Delete a follow-up", status=204),
)  # fmt: skip

_WEBHOOKS = (
    _row("GET /webhooks", "H-docs Webhooks (beta)", decisive="data", word="status"),
    _row("POST /webhooks", "H-docs Webhooks (beta)", decisive="id", word="status", status=201),
    _row("GET /webhooks/{id}", "H-docs Webhooks (beta)", decisive="id", word="status"),
    _row("PUT /webhooks/{id}", "H-docs Webhooks (beta)", decisive="id", word="status"),
    _row("DELETE /webhooks", "H-docs Webhooks (beta), id in the query", status=204),
)


def _renamed(rows: tuple[Endpoint, ...], old: str, new: str) -> tuple[Endpoint, ...]:
    """The same rows below another name of the family."""
    return tuple(
        replace(
            row,
            path=row.path.replace(old, new, 1),
            alias_of=row.name,
            source=f"{row.source} (alias)",
        )
        for row in rows
    )


HUNTER: tuple[Endpoint, ...] = (
    *_LOOKUPS,
    *_TEAM,
    *_LEADS,
    *_LISTS,
    *_renamed(_LISTS, "/leads_lists", "/leads-lists"),
    *_CAMPAIGNS,
    *_SEQUENCES,
    *_renamed(_CAMPAIGNS[1:], "/campaigns", "/sequences"),
    *_WEBHOOKS,
)
