"""A request for every endpoint that the simulator has, as the documents' own examples make it.

`{task}` and `{prospect}` are what an earlier reply handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

DOMAIN, EMAIL = "blue-harbor.example", "ada.lovelace@blue-harbor.example"
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"
ADA = {"first_name": "Ada", "last_name": "Lovelace", "domain": DOMAIN}
ADA_V1 = {"firstName": "Ada", "lastName": "Lovelace", "domain": DOMAIN}
LEAD = {"name": "Ada Lovelace", "domain": DOMAIN}


class Sent(NamedTuple):
    """`path` begins behind the base URL; `json`, `data` and `params` are httpx' own."""

    path: str
    rest: Mapping[str, Any] = {}


def ask(path: str, **params: Any) -> Sent:
    return Sent(path, {"params": params} if params else {})


def tell(path: str, **json: Any) -> Sent:
    return Sent(path, {"json": json} if json else {})


def form(path: str, **data: Any) -> Sent:
    return Sent(path, {"data": data})


HUNTER: Mapping[str, Sent] = {
    "GET /domain-search": ask("/domain-search", domain=DOMAIN, limit=25),
    "POST /domain-search": tell("/domain-search", domain=DOMAIN),
    "GET /domain-search/found": ask("/domain-search/found", domain=DOMAIN),
    "GET /email-finder": ask("/email-finder", **ADA),
    "GET /email-finder/found": ask("/email-finder/found", **ADA),
    "GET /email-verifier": ask("/email-verifier", email=EMAIL),
    "GET /email-count": ask("/email-count", domain=DOMAIN),
    "GET /people/find": ask("/people/find", email=EMAIL),
    "GET /companies/find": ask("/companies/find", domain=DOMAIN),
    "GET /combined/find": ask("/combined/find", email=EMAIL),
    "POST /discover": tell("/discover", organization={"domain": [DOMAIN]}),
    "GET /discover/people": ask("/discover/people", query="Marketing and Advertising"),
    "POST /discover/people": tell("/discover/people", organization={"domain": [DOMAIN]}),
    "GET /domain-finder": ask("/domain-finder", company="Blue Harbor"),
    "GET /logos/{domain}": ask(f"/logos/{DOMAIN}"),
    "GET /account": ask("/account"),
    "GET /usage": ask("/usage"),
    "GET /team/members": ask("/team/members"),
    "GET /api-keys": ask("/api-keys"),
    "POST /api-keys": tell("/api-keys", name="spare"),
    "PUT /api-keys/{id}": tell("/api-keys/1", name="renamed"),
    "DELETE /api-keys/{id}": ask("/api-keys/1"),
    "GET /leads": ask("/leads", limit=5, **{"verification_status[]": "valid"}),
    "POST /leads": tell("/leads", email="new@lead.example", first_name="New"),
    "PUT /leads": form("/leads", email="new@lead.example", first_name="Newer"),
    "GET /leads/exist": ask("/leads/exist", email="new@lead.example"),
    "POST /leads/bulk/move": tell("/leads/bulk/move", leads_list_id=1, target_leads_list_id=2),
    "POST /leads/bulk/delete": tell("/leads/bulk/delete", lead_ids=[7, 8]),
    "GET /leads/{id}": ask("/leads/2"),
    "PUT /leads/{id}": tell("/leads/2", position="CTO"),
    "DELETE /leads/{id}": ask("/leads/3/"),
    "GET /leads_custom_attributes": ask("/leads_custom_attributes"),
    "POST /leads_custom_attributes": tell("/leads_custom_attributes", label="Shoe size"),
    "GET /leads_custom_attributes/{id}": ask("/leads_custom_attributes/1"),
    "PUT /leads_custom_attributes/{id}": tell("/leads_custom_attributes/1", label="Hat size"),
    "DELETE /leads_custom_attributes/{id}": ask("/leads_custom_attributes/1"),
    "GET /leads_lists": ask("/leads_lists"),
    "POST /leads_lists": tell("/leads_lists", name="A list"),
    "GET /leads_lists/{id}": ask("/leads_lists/2"),
    "PUT /leads_lists/{id}": tell("/leads_lists/2", name="Another name"),
    "DELETE /leads_lists/{id}": ask("/leads_lists/4"),
    "GET /leads-lists": ask("/leads-lists"),
    "POST /leads-lists": tell("/leads-lists", name="B list"),
    "GET /leads-lists/{id}": ask("/leads-lists/2"),
    "PUT /leads-lists/{id}": tell("/leads-lists/2", name="Yet another name"),
    "DELETE /leads-lists/{id}": ask("/leads-lists/5"),
    "GET /campaigns": ask("/campaigns", started="true"),
    "GET /campaigns/{id}/recipients": ask("/campaigns/3/recipients"),
    "POST /campaigns/{id}/recipients": tell("/campaigns/3/recipients", emails=["a@lead.example"]),
    "DELETE /campaigns/{id}/recipients": tell("/campaigns/3/recipients", emails="a@lead.example"),
    "POST /campaigns/{id}/start": ask("/campaigns/2/start"),
    "GET /sequences": ask("/sequences"),
    "POST /sequences": tell("/sequences", name="A sequence"),
    "GET /sequences/{id}": ask("/sequences/6"),
    "PUT /sequences/{id}": tell("/sequences/6", name="A renamed one"),
    "DELETE /sequences/{id}": ask("/sequences/6"),
    "POST /sequences/{id}/pause": ask("/sequences/2/pause"),
    "DELETE /sequences/{id}/pause": ask("/sequences/2/pause"),
    "POST /sequences/{id}/archive": ask("/sequences/2/archive"),
    "GET /sequences/{id}/stats": ask("/sequences/1/stats"),
    "GET /sequences/{id}/follow-ups": ask("/sequences/3/follow-ups"),
    "POST /sequences/{id}/follow-ups": tell("/sequences/3/follow-ups", body="<p>Hello</p>"),
    "GET /sequences/{id}/follow-ups/{step}": ask("/sequences/3/follow-ups/9"),
    "PUT /sequences/{id}/follow-ups/{step}": tell("/sequences/3/follow-ups/9", subject="Hello"),
    "DELETE /sequences/{id}/follow-ups/{step}": ask("/sequences/3/follow-ups/9"),
    "GET /sequences/{id}/recipients": ask("/sequences/3/recipients"),
    "POST /sequences/{id}/recipients": form(
        "/sequences/3/recipients", **{"emails[]": "b@c.example"}
    ),
    "DELETE /sequences/{id}/recipients": form(
        "/sequences/3/recipients", **{"emails[]": "b@c.example"}
    ),
    "POST /sequences/{id}/start": ask("/sequences/3/start"),
    "GET /webhooks": ask("/webhooks"),
    "POST /webhooks": tell("/webhooks", target_url="https://x.example", event="lead.created"),
    "GET /webhooks/{id}": ask("/webhooks/1"),
    "PUT /webhooks/{id}": tell("/webhooks/1", target_url="https://y.example"),
    "DELETE /webhooks": ask("/webhooks", id=1),
}

SEARCH, DATABASE = "/v2/domain-search", "/v2/database-search"
FILTERS = {"company": {"industries": {"include": ["Marketing and Advertising"]}}}


def _searches() -> dict[str, Sent]:
    """Starts of the domain search take their fields from the query, and results from the path."""
    found = {}
    for part in ("", "/prospects", "/domain-emails", "/generic-contacts"):
        start, result = f"{SEARCH}{part}/start", f"{SEARCH}{part}/result/{{task}}"
        found[f"POST {start}"] = ask(start, domain=DOMAIN)
        found[f"GET {SEARCH}{part}/result/{{task_hash}}"] = ask(result)
    for root in (SEARCH, DATABASE):
        emails = f"{root}/prospects/search-emails"
        found[f"POST {emails}/start/{{prospect_hash}}"] = ask(f"{emails}/start/{{prospect}}")
        found[f"GET {emails}/result/{{task_hash}}"] = ask(f"{emails}/result/{{task}}")
    for kind in ("prospects", "companies"):
        start, result = f"{DATABASE}/{kind}/start", f"{DATABASE}/{kind}/result/{{task}}"
        found[f"POST {start}"] = tell(start, filters=FILTERS)
        found[f"GET {DATABASE}/{kind}/result/{{task_hash}}"] = ask(result)
    return found


def _families() -> dict[str, Sent]:
    fields: dict[str, Any] = {
        "emails-by-domain-by-name": {"rows": [ADA, {**ADA, "first_name": "Nobody"}]},
        "email-verification": {"emails": [EMAIL, f"nobody@{DOMAIN}"]},
        "company-domain-by-name": {"names": ["Blue Harbor", "No Such Company"]},
        "li-profiles-by-urls": {"urls": [PROFILE, "https://www.linkedin.com/in/nobody-at-all"]},
    }
    found = {}
    for name, body in fields.items():
        found[f"POST /v2/{name}/start"] = tell(f"/v2/{name}/start", **body)
        found[f"GET /v2/{name}/result"] = ask(f"/v2/{name}/result", task_hash="{task}")
    return found


SNOV: Mapping[str, Sent] = {
    "GET /v1/get-balance": ask("/v1/get-balance"),
    "POST /v1/get-emails-from-names": form("/v1/get-emails-from-names", **ADA_V1),
    "POST /v1/add-names-to-find-emails": form("/v1/add-names-to-find-emails", **ADA_V1),
    "POST /v1/get-emails-verification-status": ask(
        "/v1/get-emails-verification-status", **{"emails[]": [EMAIL]}
    ),
    "POST /v1/add-emails-to-verification": form(
        "/v1/add-emails-to-verification", **{"emails[]": [EMAIL, f"b@{DOMAIN}", f"c@{DOMAIN}"]}
    ),
    "POST /v1/add-url-for-search": form("/v1/add-url-for-search", url=PROFILE),
    "POST /v1/get-emails-from-url": form("/v1/get-emails-from-url", url=PROFILE),
    "POST /v1/get-profile-by-email": form("/v1/get-profile-by-email", email=EMAIL),
    "POST /v1/get-domain-emails-count": form("/v1/get-domain-emails-count", domain=DOMAIN),
    "GET /v2/domain-emails-with-info": ask(
        "/v2/domain-emails-with-info", domain=DOMAIN, type="all", limit=10, lastId=0
    ),
    **_searches(),
    **_families(),
    "GET /v1/get-user-campaigns": ask("/v1/get-user-campaigns"),
    "GET /v2/statistics/campaign-analytics": ask("/v2/statistics/campaign-analytics"),
    "GET /v2/campaigns/{campaign_id}/progress": ask("/v2/campaigns/2001/progress"),
    "POST /v1/change-recipient-status": form(
        "/v1/change-recipient-status", email="{recipient}", campaign_id=2003, status="Paused"
    ),
    "GET /v1/prospect-finished": ask("/v1/prospect-finished", campaignId=2001),
    "GET /v1/get-emails-replies": ask("/v1/get-emails-replies", campaignId=2001),
    "GET /v1/get-emails-opened": ask("/v1/get-emails-opened", campaignId=2001, offset=0),
    "GET /v1/get-emails-clicked": ask("/v1/get-emails-clicked", campaignId=2001),
    "GET /v1/emails-sent": ask("/v1/emails-sent", campaignId=2001),
    "POST /v1/do-not-email-list": form(
        "/v1/do-not-email-list", **{"items[]": ["d@e.example", "e.example"], "listId": 3001}
    ),
    "POST /v1/add-prospect-to-list": form(
        "/v1/add-prospect-to-list", email="f@g.example", fullName="F G", listId=1001
    ),
    "POST /v1/get-prospect-by-id": form("/v1/get-prospect-by-id", id="{added}"),
    "POST /v1/get-prospects-by-email": form("/v1/get-prospects-by-email", email="f@g.example"),
    "GET /v1/prospect-custom-fields": ask("/v1/prospect-custom-fields"),
    "GET /v1/get-user-lists": ask("/v1/get-user-lists"),
    "POST /v1/prospect-list": form("/v1/prospect-list", listId=1001, page=1, perPage=5),
    "POST /v1/lists": form("/v1/lists", name="A list"),
    "GET /v2/webhooks": ask("/v2/webhooks"),
    "POST /v2/webhooks": tell(
        "/v2/webhooks", event_object="campaign_email", event_action="sent",
        endpoint_url="https://x.example",
    ),
    "PUT /v2/webhooks/{id}": tell("/v2/webhooks/1", status="deactivated"),
    "DELETE /v2/webhooks/{id}": ask("/v2/webhooks/1"),
}  # fmt: skip

SECRET = "/webhooks/signing-secret"
SIXTYFOUR: Mapping[str, Sent] = {
    "POST /find-email": tell("/find-email", lead=LEAD, mode="PERSONAL"),
    "POST /find-email-async": tell("/find-email-async", lead=LEAD),
    "POST /find-email-bulk": tell("/find-email-bulk", leads=[LEAD, {"name": "Nobody"}]),
    "POST /find-email-bulk-async": tell("/find-email-bulk-async", leads=[LEAD, {"name": "No"}]),
    "GET /job-status/{task_id}": ask("/job-status/{task}"),
    f"POST {SECRET}": ask(SECRET),
    f"GET {SECRET}": ask(SECRET),
    f"POST {SECRET}/roll": tell(f"{SECRET}/roll", expire_overlap_hours=1),
    f"DELETE {SECRET}": ask(SECRET),
}
LETRICS: Mapping[str, Sent] = {
    "POST /contacts": tell("/contacts", seniorities=["executive"], per_page=3),
    "GET /contacts": ask("/contacts", per_page=2),
    "POST /companies": tell("/companies", per_page=3),
    "GET /companies": ask("/companies", per_page=2),
}
REQUESTS: Mapping[str, Mapping[str, Sent]] = {
    "hunter": HUNTER,
    "snov": SNOV,
    "sixtyfour": SIXTYFOUR,
    "letrics": LETRICS,
}
