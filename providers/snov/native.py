"""Snov.io's own API as it is passed through.

snov.txt (S2), its newer edition (SN-br) and what clients still call (SN-rb), read 2026-11-21.
Assumed: that a greylisted address costs what others do; that the older domain search is charged
once, as the domain searches are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from providers.errors import TaskFailed
from providers.model import (
    COMPANIES_ENRICH,
    DOMAINS_SEARCH,
    EMAILS_COUNT,
    EMAILS_FIND,
    EMAILS_VERIFY,
    PEOPLE_ENRICH,
)
from providers.native import Asked, NativeApi, NativePath, Task, rows
from providers.snov.marks import (
    ADDRESSES,
    GENERIC,
    PROSPECTS,
    company_mark,
    mark_of,
    page_mark,
    prospect_mark,
)

A_CREDIT = 1000
MOST = 10
SEARCH, DATABASE = "/v2/domain-search", "/v2/database-search"
DONE, FAILED = frozenset({"completed", "complete"}), frozenset({"failed", "error"})

Told = Callable[[Any], int]


def one(_asked: Asked) -> int:
    return A_CREDIT


def each(name: str) -> Callable[[Asked], int]:
    """A credit for each item of a field; more than ten are refused."""
    return lambda asked: min(MOST, max(1, len(asked.items(name)))) * A_CREDIT


def charged_push(_asked: Asked, _status: int, body: Any) -> int:
    return A_CREDIT if body["success"] and body.get("sent", True) else 0


def charged_profile(_asked: Asked, _status: int, body: Any) -> int:
    return A_CREDIT if body["success"] else 0


def charged_addresses(asked: Asked, _status: int, body: Any) -> int:
    """No such reply is published; an address that was not sent is the likely exception.

    Of more that were asked about than the reply names the others are taken for sent.
    """
    if not body["success"]:
        return 0
    named = [told for told in body.values() if isinstance(told, dict)]
    addresses = max(len(set(map(str, asked.items("emails")))), len(named))
    if not addresses:
        raise LookupError("neither request nor reply names an address")
    return (addresses - sum(told.get("sent") is False for told in named)) * A_CREDIT


def charged_older_search(_asked: Asked, _status: int, body: Any) -> int:
    return A_CREDIT if body["emails"] else 0


def charged_each(name: str) -> Callable[[Asked, int, Any], int]:
    """Whatever comes of it, once the task has begun."""

    def charged(asked: Asked, _status: int, body: Any) -> int:
        if not hash_in_data(body):
            return 0
        if not (items := asked.items(name)):
            raise LookupError(f"{name}: a task began with none")
        return len(items) * A_CREDIT

    return charged


def hash_in_meta(body: Any) -> str:
    return str(body["meta"]["task_hash"])


def hash_in_data(body: Any) -> str:
    return str(body["data"]["task_hash"])


def told(count: Told) -> Callable[[Any], int | None]:
    """What a result says of the cost, once its task is done."""

    def charged(body: Any) -> int | None:
        word = str(body["status"]).lower().replace(" ", "_")
        if word in FAILED:
            raise TaskFailed("the task failed", uncertain=True)
        if word == "not_enough_credits":
            return 0
        return count(body) * A_CREDIT if word in DONE else None

    return charged


def if_any(body: Any) -> int:
    return 1 if body["data"] else 0


def if_prospects(body: Any) -> int:
    """A page beyond the last has none, and yet the search found some."""
    return 1 if body["data"] or body["meta"].get("total_count") else 0


def if_emails(body: Any) -> int:
    return 1 if body["data"] and body["data"]["emails"] else 0


def if_companies(body: Any) -> int:
    return 1 if body["data"] and body["data"]["companies"] else 0


def found_items(body: Any) -> int:
    return sum(1 for item in body["data"] if item["result"])


def same_older_search(asked: Asked) -> str:
    names = ("type", "limit", "lastId", "positions")
    return mark_of("older", asked.text("domain"), *map(asked.items, names))


def same_company(asked: Asked) -> str:
    return company_mark(asked.text("domain"))


def same_page(name: str) -> Callable[[Asked], str]:
    position = "page" if name == PROSPECTS else "next"

    def once(asked: Asked) -> str:
        domain, positions = asked.text("domain"), asked.items("positions")
        return page_mark(name, domain, asked.text(position), positions)

    return once


def same_prospect(asked: Asked) -> str:
    return prospect_mark(asked.segments["prospect_hash"])


def same_filters(asked: Asked) -> str:
    if not asked.fields.get("filters"):
        return ""
    filters = json.dumps(asked.fields["filters"], sort_keys=True)
    return f"companies {filters} {asked.text('page') or 1}"


_free, _read, _write = (partial(rows, word) for word in ("", "read", "write"))
_paid = partial(rows, "", unit="credit")


def _in_path(asked: Asked) -> str:
    return asked.segments["task_hash"]


def _in_query(asked: Asked) -> str:
    return asked.text("task_hash")


def _search(path: str, count: Told, once: Callable[[Asked], str]) -> tuple[NativePath, ...]:
    """A start and its result, by a hash that stands in the path."""
    begin, _, prospect = path.partition("#")
    result = f"{begin}/result"
    task = Task(started=hash_in_meta, result=f"{result}/{{task}}", charged=told(count))
    return (
        *_paid(f"POST {begin}/start{prospect}", worst=one, once=once, task=task),
        *_free(f"GET {result}/{{task_hash}}", reads=_in_path),
    )


def _family(name: str, field: str) -> tuple[NativePath, ...]:
    """A start and its result, by a hash that stands in the query; charged by what is found."""
    result = f"/v2/{name}/result?task_hash={{task}}"
    task = Task(started=hash_in_data, result=result, charged=told(found_items))
    return (
        *_paid(f"POST /v2/{name}/start", worst=each(field), task=task),
        *_free(f"GET /v2/{name}/result", reads=_in_query),
    )


_QUEUES = (
    *_free(
        "POST /v1/get-emails-from-names", "POST /v1/get-emails-verification-status",
        "POST /v1/get-emails-from-url", "POST /v1/get-domain-emails-count",
        "GET /v1/get-balance",
    ),
    *_paid(
        "POST /v1/add-names-to-find-emails", "POST /v1/add-url-for-search",
        worst=one, charged=charged_push,
    ),
    *_paid("POST /v1/get-profile-by-email", worst=one, charged=charged_profile),
    *_paid("POST /v1/add-emails-to-verification", worst=each("emails"), charged=charged_addresses),
    *_paid(
        "GET /v2/domain-emails-with-info", worst=one, charged=charged_older_search,
        once=same_older_search,
    ),
)  # fmt: skip
_SEARCHES = (
    *_search(SEARCH, if_any, same_company),
    *_search(f"{SEARCH}/prospects", if_prospects, same_page(PROSPECTS)),
    *_search(f"{SEARCH}/domain-emails", if_any, same_page(ADDRESSES)),
    *_search(f"{SEARCH}/generic-contacts", if_any, same_page(GENERIC)),
    *(
        row
        for root in (SEARCH, DATABASE)
        for row in _search(
            f"{root}/prospects/search-emails#/{{prospect_hash}}", if_emails, same_prospect
        )
    ),
    *_search(f"{DATABASE}/companies", if_companies, same_filters),
    *_free(
        f"POST {DATABASE}/prospects/start", f"GET {DATABASE}/prospects/result/{{task_hash}}",
    ),
)  # fmt: skip
_FAMILIES = (
    *(
        row
        for name, field in (("emails-by-domain-by-name", "rows"), ("email-verification", "emails"))
        for row in (
            *_paid(f"POST /v2/{name}/start", worst=each(field), charged=charged_each(field)),
            *_free(f"GET /v2/{name}/result", reads=_in_query),
        )
    ),
    *_family("company-domain-by-name", "names"),
    *_family("li-profiles-by-urls", "urls"),
)
_ACCOUNTS = (
    *_read(
        "GET /v1/get-user-campaigns", "GET /v2/statistics/campaign-analytics",
        "GET /v2/campaigns/{campaign_id}/progress", "GET /v1/prospect-finished",
        "GET /v1/get-emails-replies", "GET /v1/get-emails-opened", "GET /v1/get-emails-clicked",
        "GET /v1/emails-sent", "GET /v1/prospect-custom-fields", "GET /v1/get-user-lists",
        # Reads, although their fields travel in a body.
        "POST /v1/get-prospect-by-id", "POST /v1/get-prospects-by-email", "POST /v1/prospect-list",
        "GET /v2/webhooks",
    ),
    *_write(
        "POST /v1/change-recipient-status", "POST /v1/do-not-email-list",
        "POST /v1/add-prospect-to-list", "POST /v1/lists", "POST /v2/webhooks",
        "PUT /v2/webhooks/{id}", "DELETE /v2/webhooks/{id}",
    ),
)  # fmt: skip


_LOOKUPS = {
    EMAILS_FIND: (
        "/v1/get-emails-from-names", "/v1/add-names-to-find-emails", "/v1/get-emails-from-url",
        "/v1/add-url-for-search", "/v2/emails-by-domain-by-name/start",
    ),
    EMAILS_VERIFY: (
        "/v1/get-emails-verification-status", "/v1/add-emails-to-verification",
        "/v2/email-verification/start",
    ),
    PEOPLE_ENRICH: ("/v1/get-profile-by-email",),
    COMPANIES_ENRICH: (f"{SEARCH}/start",),
    DOMAINS_SEARCH: (
        f"{SEARCH}/prospects/start", f"{SEARCH}/domain-emails/start",
        f"{SEARCH}/generic-contacts/start",
        f"{SEARCH}/prospects/search-emails/start/{{prospect_hash}}",
        "/v2/domain-emails-with-info",
    ),
    EMAILS_COUNT: ("/v1/get-domain-emails-count",),
}  # fmt: skip


def refusal(_title: str, detail: str) -> Mapping[str, object]:
    return {"success": False, "message": detail, "errors": [detail]}


NATIVE = NativeApi(
    paths=(*_QUEUES, *_SEARCHES, *_FAMILIES, *_ACCOUNTS),
    lookups=_LOOKUPS,
    query_keys=("access_token",),
    body_keys=("access_token",),
    bare=True,
    signs_in_at="/v1/oauth/access_token",
    accounts=("prospect", "list", "campaign", "recipient", "webhook", "sent", "repl", "opened"),
    refusal=refusal,
)
