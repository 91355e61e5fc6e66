"""Snov.io: requests of somebody whose book is fresh."""

from __future__ import annotations

from typing import Any

from providers.simulator.samples.record import DOMAIN, EMAIL, NEWCOMER, PROFILE, SECRET, Sample

_SEARCH, _DATABASE = "/v2/domain-search", "/v2/database-search"
_HASH = {"task_hash": "meta.task_hash"}
_BY_NAME = {"firstName": "Ada", "lastName": "Lovelace", "domain": DOMAIN}
_ROWS = [{"first_name": "Ada", "last_name": "Lovelace", "domain": DOMAIN}]


def _domain(*paths: str) -> dict[str, Sample]:
    """A start and a result whose hash is in `meta` and goes into the path."""
    samples: dict[str, Sample] = {}
    for path in paths:
        samples[f"POST {path}/start"] = Sample(body={"domain": DOMAIN})
        samples[f"GET {path}/result/{{task_hash}}"] = Sample(
            after=f"POST {path}/start", take=_HASH
        )
    return samples


def _pair(family: str, body: Any) -> dict[str, Sample]:
    """A start and a result whose hash is in `data` and goes into the query."""
    start = f"POST /v2/{family}/start"
    take = {"task_hash": "data.task_hash"}
    return {start: Sample(body=body), f"GET /v2/{family}/result": Sample(after=start, take=take)}


def _reveal(root: str, hidden: str) -> dict[str, Sample]:
    """The search of a prospect's address, by the link that a result gave."""
    found = f"GET {root}/prospects/result/{{task_hash}}"
    start = f"POST {root}/prospects/search-emails/start/{{prospect_hash}}"
    result = f"GET {root}/prospects/search-emails/result/{{task_hash}}"
    return {
        start: Sample(after=found, take={"prospect_hash": hidden}),
        result: Sample(after=start, take=_HASH),
    }


def _database(kind: str, filters: Any) -> dict[str, Sample]:
    start = f"POST {_DATABASE}/{kind}/start"
    result = f"GET {_DATABASE}/{kind}/result/{{task_hash}}"
    return {start: Sample(body={"filters": filters}), result: Sample(after=start, take=_HASH)}


SNOV: dict[str, Sample] = {
    "POST /v1/oauth/access_token": Sample(body=SECRET),
    "GET /v1/get-balance": Sample(),
    "POST /v1/get-emails-from-names": Sample(
        body=_BY_NAME, after="POST /v1/add-names-to-find-emails"
    ),
    "POST /v1/add-names-to-find-emails": Sample(body=_BY_NAME),
    "POST /v1/get-emails-verification-status": Sample(
        body={"emails": [EMAIL]}, after="POST /v1/add-emails-to-verification"
    ),
    "POST /v1/add-emails-to-verification": Sample(body={"emails": [EMAIL]}),
    "POST /v1/add-url-for-search": Sample(body={"url": PROFILE}),
    "POST /v1/get-emails-from-url": Sample(
        body={"url": PROFILE}, after="POST /v1/add-url-for-search"
    ),
    "POST /v1/get-profile-by-email": Sample(body={"email": EMAIL}),
    "POST /v1/get-domain-emails-count": Sample(body={"domain": DOMAIN}),
    **_domain(_SEARCH, *(f"{_SEARCH}/{tab}" for tab in
                         ("prospects", "domain-emails", "generic-contacts"))),
    **_reveal(_SEARCH, "data.0.search_emails_start"),
    "GET /v2/domain-emails-with-info": Sample(
        {"domain": DOMAIN, "type": "all", "limit": 100, "lastId": 0}
    ),
    **_pair("emails-by-domain-by-name", {"rows": _ROWS}),
    **_pair("email-verification", {"emails": [EMAIL]}),
    **_pair("company-domain-by-name", {"names": ["Blue Harbor"]}),
    **_pair("li-profiles-by-urls", {"urls": [PROFILE]}),
    **_database("prospects", {"prospect": {"first_name": "Ada", "last_name": "Lovelace"}}),
    **_reveal(_DATABASE, "data.prospects.0.email_and_hidden_info_reveal"),
    **_database("companies", {"company": {"name": {"include": ["Blue Harbor"]}}}),
    "GET /v1/get-user-campaigns": Sample(),
    "GET /v2/statistics/campaign-analytics": Sample({"campaign_id": "2001,2002"}),
    "GET /v2/campaigns/{campaign_id}/progress": Sample(segments={"campaign_id": 2001}),
    "POST /v1/change-recipient-status": Sample(
        body={"email": EMAIL, "campaign_id": 2003, "status": "Paused"}
    ),
    "GET /v1/prospect-finished": Sample({"campaignId": 2001}),
    "GET /v1/get-emails-replies": Sample({"campaignId": 2001}),
    "GET /v1/get-emails-opened": Sample({"campaignId": 2001}),
    "GET /v1/get-emails-clicked": Sample({"campaignId": 2001}),
    "GET /v1/emails-sent": Sample({"campaignId": 2001}),
    "POST /v1/do-not-email-list": Sample(body={"items": [NEWCOMER], "listId": 3001}),
    "POST /v1/add-prospect-to-list": Sample(
        body={"email": NEWCOMER, "fullName": "Grace Hopper", "listId": 1001}
    ),
    "POST /v1/get-prospect-by-id": Sample(
        after="POST /v1/get-prospects-by-email", take={"id": "data.0.id"}
    ),
    "POST /v1/get-prospects-by-email": Sample(body={"email": EMAIL}),
    "GET /v1/prospect-custom-fields": Sample(),
    "GET /v1/get-user-lists": Sample(),
    "POST /v1/prospect-list": Sample(body={"listId": 1001, "page": 1, "perPage": 5}),
    "POST /v1/lists": Sample(body={"name": "New list"}),
    "GET /v2/webhooks": Sample(),
    "POST /v2/webhooks": Sample(
        body={
            "event_object": "campaign_email",
            "event_action": "sent",
            "endpoint_url": "https://hooks.customer.example/x",
        }
    ),
    "PUT /v2/webhooks/{id}": Sample(body={"status": "deactivated"}, segments={"id": 1}),
    "DELETE /v2/webhooks/{id}": Sample(segments={"id": 1}),
}  # fmt: skip
