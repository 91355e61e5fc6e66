"""For every endpoint one request that the simulated world answers well, on fresh books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from providers.simulator.endpoints import ENDPOINTS, Endpoint

DOMAIN = "blue-harbor.example"
EMAIL = f"ada.lovelace@{DOMAIN}"
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"
NEWCOMER = "grace.hopper@new-lead.example"
SECRET = {
    "grant_type": "client_credentials",
    "client_id": "sim-snov-client",
    "client_secret": "sim-snov-secret",
}


class Sample(NamedTuple):
    """`take` fills parts of the path, or of the query, from the reply to the endpoint `after`.

    A taken value that is a URL counts by its last segment.
    """

    query: Mapping[str, Any] = {}
    body: Any = None
    segments: Mapping[str, object] = {}
    after: str | None = None
    take: Mapping[str, str] = {}


class Prepared(NamedTuple):
    """A request in full; `path` follows the provider's base URL."""

    path: str
    query: dict[str, Any]
    body: Any


_ADA = {"domain": DOMAIN, "first_name": "Ada", "last_name": "Lovelace"}
_FIRST: dict[str, object] = {"id": 1}
_DRAFT: dict[str, object] = {"id": 3}
_ANYWHERE = {"exclude": [{"continent": "Antarctica"}]}

_HUNTER: dict[str, Sample] = {
    "GET /domain-search": Sample({"domain": DOMAIN}),
    "POST /domain-search": Sample(body={"domain": DOMAIN, "location": _ANYWHERE}),
    "GET /domain-search/found": Sample({"domain": DOMAIN}),
    "GET /email-finder": Sample(_ADA),
    "GET /email-finder/found": Sample(_ADA),
    "GET /email-verifier": Sample({"email": EMAIL}),
    "GET /email-count": Sample({"domain": DOMAIN}),
    "GET /people/find": Sample({"email": EMAIL}),
    "GET /companies/find": Sample({"domain": DOMAIN}),
    "GET /combined/find": Sample({"email": EMAIL}),
    "POST /discover": Sample(body={"organization": {"domain": [DOMAIN]}}),
    "GET /discover/people": Sample({"organization[domain][]": DOMAIN}),
    "POST /discover/people": Sample(body={"organization": {"domain": [DOMAIN]}}),
    "GET /domain-finder": Sample({"company": "Blue Harbor"}),
    "GET /logos/{domain}": Sample(segments={"domain": DOMAIN}),
    "GET /account": Sample(),
    "GET /usage": Sample(),
    "GET /team/members": Sample(),
    "GET /api-keys": Sample(),
    "POST /api-keys": Sample(body={"name": "CI server"}),
    "PUT /api-keys/{id}": Sample(
        body={"name": "Production"}, after="POST /api-keys", take={"id": "data.id"}
    ),
    "DELETE /api-keys/{id}": Sample(after="POST /api-keys", take={"id": "data.id"}),
    "GET /leads": Sample(),
    "POST /leads": Sample(body={"email": NEWCOMER, "custom_attributes": {"customer_id": "c-1"}}),
    "PUT /leads": Sample(body={"email": EMAIL, "first_name": "Augusta"}),
    "GET /leads/exist": Sample({"email": EMAIL}),
    "POST /leads/bulk/move": Sample(
        body={"leads_list_id": 1, "target_leads_list_id": 2, "lead_ids": [2, 3]}
    ),
    "POST /leads/bulk/delete": Sample(body={"lead_ids": [2, 3]}),
    "GET /leads/{id}": Sample(segments=_FIRST),
    "PUT /leads/{id}": Sample(body={"company": "Analytical Engines"}, segments=_FIRST),
    "DELETE /leads/{id}": Sample(segments=_FIRST),
    "GET /leads_custom_attributes": Sample(),
    "POST /leads_custom_attributes": Sample(body={"label": "Shoe size"}),
    "GET /leads_custom_attributes/{id}": Sample(segments=_FIRST),
    "PUT /leads_custom_attributes/{id}": Sample(body={"label": "Project"}, segments=_FIRST),
    "DELETE /leads_custom_attributes/{id}": Sample(segments=_FIRST),
    "GET /leads_lists": Sample(),
    "POST /leads_lists": Sample(body={"name": "My new leads list"}),
    "GET /leads_lists/{id}": Sample(segments=_FIRST),
    "PUT /leads_lists/{id}": Sample(body={"name": "Renamed"}, segments=_FIRST),
    "DELETE /leads_lists/{id}": Sample(segments={"id": 4}),
    "GET /campaigns": Sample(),
    "GET /campaigns/{id}/recipients": Sample(segments=_FIRST),
    "POST /campaigns/{id}/recipients": Sample(body={"emails": [NEWCOMER]}, segments=_DRAFT),
    "DELETE /campaigns/{id}/recipients": Sample(
        body={"emails": [NEWCOMER]}, segments=_DRAFT, after="POST /campaigns/{id}/recipients"
    ),
    "POST /campaigns/{id}/start": Sample(segments=_DRAFT),
    "GET /sequences": Sample(),
    "POST /sequences": Sample(body={"name": "Q3 outreach", "schedule_days": [1, 2, 3]}),
    "GET /sequences/{id}": Sample(segments=_FIRST),
    "PUT /sequences/{id}": Sample(body={"name": "Renamed"}, segments=_DRAFT),
    "DELETE /sequences/{id}": Sample(segments={"id": 5}),
    "POST /sequences/{id}/pause": Sample(segments={"id": 2}),
    "DELETE /sequences/{id}/pause": Sample(segments=_FIRST),
    "POST /sequences/{id}/archive": Sample(segments={"id": 2}),
    "GET /sequences/{id}/stats": Sample(segments=_FIRST),
    "GET /sequences/{id}/follow-ups": Sample(segments=_FIRST),
    "POST /sequences/{id}/follow-ups": Sample(
        body={"subject": "Re: hello", "body": "<p>Hi again</p>"}, segments=_DRAFT
    ),
    "GET /sequences/{id}/follow-ups/{step}": Sample(segments={"id": 3, "step": 6}),
    "PUT /sequences/{id}/follow-ups/{step}": Sample(
        body={"wait_days": 5}, segments={"id": 3, "step": 6}
    ),
    "DELETE /sequences/{id}/follow-ups/{step}": Sample(segments={"id": 3, "step": 6}),
    "GET /webhooks": Sample(),
    "POST /webhooks": Sample(
        body={"target_url": "https://hooks.customer.example/x", "event": "message.read"}
    ),
    "GET /webhooks/{id}": Sample(segments=_FIRST),
    "PUT /webhooks/{id}": Sample(body={"event": "message.clicked"}, segments=_FIRST),
    "DELETE /webhooks": Sample({"id": 1}),
}

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


_SNOV: dict[str, Sample] = {
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
    "PUT /v2/webhooks/{id}": Sample(body={"status": "deactivated"}, segments=_FIRST),
    "DELETE /v2/webhooks/{id}": Sample(segments=_FIRST),
}  # fmt: skip

_LEAD = {"name": "Ada Lovelace", "company": "Blue Harbor", "domain": DOMAIN}
_SIGNING = "/webhooks/signing-secret"
_SIXTYFOUR: dict[str, Sample] = {
    "POST /find-email": Sample(body={"lead": _LEAD}),
    "POST /find-email-async": Sample(body={"lead": _LEAD}),
    "POST /find-email-bulk": Sample(body={"leads": [_LEAD, {"name": "Nobody"}]}),
    "POST /find-email-bulk-async": Sample(body={"leads": [_LEAD, {"name": "Nobody"}]}),
    "GET /job-status/{task_id}": Sample(
        after="POST /find-email-async", take={"task_id": "task_id"}
    ),
    f"GET {_SIGNING}": Sample(after=f"POST {_SIGNING}"),
    f"POST {_SIGNING}": Sample(),
    f"DELETE {_SIGNING}": Sample(after=f"POST {_SIGNING}"),
    f"POST {_SIGNING}/roll": Sample(body={"expire_overlap_hours": 1}, after=f"POST {_SIGNING}"),
}

_LETRICS: dict[str, Sample] = {
    f"{method} /{what}": Sample({"per_page": 3}) if method == "GET" else Sample(body=body)
    for what, body in (("contacts", {"is_decision_maker": True}), ("companies", {"per_page": 3}))
    for method in ("POST", "GET")
}

SAMPLES: Mapping[str, Mapping[str, Sample]] = {
    "hunter": _HUNTER,
    "snov": _SNOV,
    "sixtyfour": _SIXTYFOUR,
    "letrics": _LETRICS,
}
_BY_NAME_OF: Mapping[tuple[str, str], Endpoint] = {(e.provider, e.name): e for e in ENDPOINTS}


def sample_of(endpoint: Endpoint) -> Sample:
    return SAMPLES[endpoint.provider][endpoint.alias_of or endpoint.name]


def chain_of(endpoint: Endpoint) -> list[Endpoint]:
    """The endpoints to be called in turn, the one asked for last."""
    after = sample_of(endpoint).after
    earlier = chain_of(_BY_NAME_OF[endpoint.provider, after]) if after is not None else []
    return [*earlier, endpoint]


def times_of(endpoint: Endpoint) -> int:
    """How often it is to be asked: without latency, later work is done when asked for again."""
    reads = endpoint.method == "GET" or endpoint.meter is None
    return 2 if endpoint.delayed and reads else 1


def prepare(endpoint: Endpoint, earlier: Any = None) -> Prepared:
    """The sample filled in; `earlier` is the decoded reply to the endpoint before it."""
    sample = sample_of(endpoint)
    taken = {name: _taken(earlier, path) for name, path in sample.take.items()}
    segments = {**sample.segments, **taken}
    path = endpoint.path
    for name, value in segments.items():
        path = path.replace(f"{{{name}}}", str(value))
    loose = {name: value for name, value in taken.items() if f"{{{name}}}" not in endpoint.path}
    return Prepared(path, {**sample.query, **loose}, sample.body)


def _taken(reply: Any, path: str) -> Any:
    for key in path.split("."):
        reply = reply[int(key)] if isinstance(reply, list) else reply[key]
    return reply.rpartition("/")[2] if isinstance(reply, str) and "://" in reply else reply
