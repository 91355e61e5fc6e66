"""Snov.io: snov.txt (S2), its newer edition (SN-br) and what clients still call (SN-rb)."""

from __future__ import annotations

from typing import Any

from providers.simulator.endpoints.record import Endpoint, rows_of

_row = rows_of("snov", "")


def _credits(charge: str, **more: Any) -> dict[str, Any]:
    return {"meter": "credits", "charge": charge, **more}


_LATER: dict[str, Any] = {"delayed": True}
_UNIQUE = _credits("1 per unique request with a result", decisive="task_hash", delayed=True)
_PROSPECT = _credits("1 per prospect with an e-mail", decisive="task_hash", delayed=True)
_SEARCH = "/v2/domain-search"
_DATABASE = "/v2/database-search"

_ACCESS = (
    _row("POST /v1/oauth/access_token", "S2 token", decisive="access_token", open=True),
    _row("GET /v1/get-balance", "S2 Check user balance", decisive="balance"),
)

_QUEUES = (
    _row("POST /v1/get-emails-from-names", "S2 Email Finder", decisive="identifier",
         word="emailStatus", **_LATER),
    _row("POST /v1/add-names-to-find-emails", "S2 Add names to find emails", **_LATER,
         **_credits("1 per request", decisive="sent")),
    _row("POST /v1/get-emails-verification-status", "S2 Email Verifier", decisive="identifier",
         word="smtpStatus", **_LATER),
    _row("POST /v1/add-emails-to-verification", "S2 Add emails for verification", **_LATER,
         **_credits("1 per address, greylisted ones when settled", decisive="sent")),
    _row("POST /v1/add-url-for-search", "S2 Add URL to search for prospect", **_LATER,
         **_credits("1 per request", decisive="success")),
    _row("POST /v1/get-emails-from-url", "S2 Get prospect with URL", decisive="data",
         word="status", **_LATER),
    _row("POST /v1/get-profile-by-email", "S2 Get profile with email",
         **_credits("1 when found", decisive="success")),
)  # fmt: skip

_DOMAINS = (
    _row("POST /v1/get-domain-emails-count", "S2 Email count", decisive="result"),
    _row(f"POST {_SEARCH}/start", "S2 Domain search", **_UNIQUE),
    _row(f"GET {_SEARCH}/result/{{task_hash}}", "S2 Domain search", decisive="status",
         word="status", **_LATER),
    _row(f"POST {_SEARCH}/prospects/start", "S2 Domain search", **_UNIQUE),
    _row(f"GET {_SEARCH}/prospects/result/{{task_hash}}", "S2 Domain search", decisive="data",
         word="status", **_LATER),
    _row(f"POST {_SEARCH}/prospects/search-emails/start/{{prospect_hash}}", "S2 Domain search",
         **_PROSPECT),
    _row(f"GET {_SEARCH}/prospects/search-emails/result/{{task_hash}}", "S2 Domain search",
         decisive="emails", word="smtp_status", **_LATER),
    _row(f"POST {_SEARCH}/domain-emails/start", "S2 Domain search", **_UNIQUE),
    _row(f"GET {_SEARCH}/domain-emails/result/{{task_hash}}", "S2 Domain search", decisive="data",
         word="status", **_LATER),
    _row(f"POST {_SEARCH}/generic-contacts/start", "S2 Domain search", **_UNIQUE),
    _row(f"GET {_SEARCH}/generic-contacts/result/{{task_hash}}", "S2 Domain search",
         decisive="data", word="status", **_LATER),
    # Gone from the documentation; the three clients on PyPI still call it.
    _row("GET /v2/domain-emails-with-info", "SN-rb (legacy)", word="status",
         **_credits("1 per unique request with a result (assumed)", decisive="emails")),
)  # fmt: skip


def _pair(family: str, heading: str, charge: str, word: str) -> tuple[Endpoint, Endpoint]:
    """The hash is in `data` and travels in the query."""
    start = _row(f"POST /v2/{family}/start", heading, **_LATER,
                 **_credits(charge, decisive="task_hash"))  # fmt: skip
    result = _row(f"GET /v2/{family}/result", heading, decisive="result", word=word, **_LATER)
    return start, result


_TASKS = (
    *_pair("emails-by-domain-by-name", "SN-br Find emails by name", "1 per row", "smtp_status"),
    *_pair("email-verification", "SN-br Email verification", "1 per address", "smtp_status"),
    *_pair("company-domain-by-name", "SN-br Company domain", "1 per domain found", "status"),
    *_pair("li-profiles-by-urls", "SN-br LinkedIn profiles", "1 per profile found", "status"),
    _row(f"POST {_DATABASE}/prospects/start", "SN-br Database search", decisive="task_hash",
         **_LATER),
    _row(f"GET {_DATABASE}/prospects/result/{{task_hash}}", "SN-br Database search",
         decisive="prospects", word="status", **_LATER),
    _row(f"POST {_DATABASE}/prospects/search-emails/start/{{prospect_hash}}",
         "SN-br Database search", **_PROSPECT),
    _row(f"GET {_DATABASE}/prospects/search-emails/result/{{task_hash}}",
         "SN-br Database search", decisive="emails", word="smtp_status", **_LATER),
    _row(f"POST {_DATABASE}/companies/start", "SN-br Database search", **_UNIQUE),
    _row(f"GET {_DATABASE}/companies/result/{{task_hash}}", "SN-br Database search",
         decisive="companies", word="status", **_LATER),
)  # fmt: skip

_CAMPAIGNS = (
    _row("GET /v1/get-user-campaigns", "S2 View all campaigns", decisive="campaign",
         word="status"),
    _row("GET /v2/statistics/campaign-analytics", "S2 Get campaign analytics",
         decisive="emails_sent"),
    _row("GET /v2/campaigns/{campaign_id}/progress", "S2 View campaign progress",
         decisive="progress", word="status"),
    _row("POST /v1/change-recipient-status", "S2 Change recipient's status", decisive="success"),
    _row("GET /v1/prospect-finished", "S2 See list of completed prospects",
         decisive="prospectId"),
    _row("GET /v1/get-emails-replies", "S2 See campaign replies", decisive="visitedAt"),
    _row("GET /v1/get-emails-opened", "S2 Get info about campaign opens", decisive="visitedAt"),
    _row("GET /v1/get-emails-clicked", "S2 Check link clicks", decisive="visitedAt"),
    _row("GET /v1/emails-sent", "S2 View sent emails", decisive="sentDate"),
    _row("POST /v1/do-not-email-list", "S2 Add to Do-not-email List", decisive="success"),
)  # fmt: skip

_PROSPECTS = (
    _row("POST /v1/add-prospect-to-list", "S2 Add prospect to list", decisive="success"),
    _row("POST /v1/get-prospect-by-id", "S2 Find prospect by ID", decisive="data",
         word="status"),
    _row("POST /v1/get-prospects-by-email", "S2 Find prospect by email", decisive="data",
         word="status"),
    _row("GET /v1/prospect-custom-fields", "S2 Find prospect's custom fields", decisive="key",
         word="type"),
    _row("GET /v1/get-user-lists", "S2 See user lists", decisive="name"),
    _row("POST /v1/prospect-list", "S2 View prospects in list", decisive="prospects",
         word="jobStatus"),
    _row("POST /v1/lists", "S2 Create new prospect list", decisive="success"),
)  # fmt: skip

_WEBHOOKS = (
    _row("GET /v2/webhooks", "S2 List all webhooks", decisive="data", word="status"),
    _row("POST /v2/webhooks", "S2 Add webhook", decisive="id", word="status"),
    _row("PUT /v2/webhooks/{id}", "S2 Change webhook status", decisive="id", word="status"),
    _row("DELETE /v2/webhooks/{id}", "S2 Delete a webhook", decisive="success"),
)

SNOV: tuple[Endpoint, ...] = (
    *_ACCESS,
    *_QUEUES,
    *_DOMAINS,
    *_TASKS,
    *_CAMPAIGNS,
    *_PROSPECTS,
    *_WEBHOOKS,
)
