"""Every call of the unified API of account objects, with ids of the simulator's seeded world."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, NamedTuple

from providers.simulator.endpoints import BY_PROVIDER, Endpoint

BASE = "/v1/providers"
# The first prospect that the simulator seeds, see its book.
PROSPECT = base64.urlsafe_b64encode(hashlib.sha256(b"prospect:1").digest()[:16]).decode()
HOOK = "https://hooks.example/sent"


class Call(NamedTuple):
    """`route` follows the provider's name; a path has `ids` in the places of its names."""

    action: str
    method: str
    route: str
    status: int
    ids: tuple[str, ...] = ()
    body: Any = None
    query: str = ""

    def path(self, provider: str, ids: tuple[str, ...] | None = None) -> str:
        left = list(self.ids if ids is None else ids)
        parts = [left.pop(0) if "{" in part else part for part in self.route.split("/")]
        return f"{BASE}/{provider}" + "/".join(parts) + self.query


LEADS, LEAD = "/leads", "/leads/{lead_id}"
LISTS, LIST = "/lists", "/lists/{list_id}"
FIELDS, FIELD = "/custom-fields", "/custom-fields/{field_id}"
CAMPAIGNS, CAMPAIGN = "/campaigns", "/campaigns/{campaign_id}"
STATS, PROGRESS = CAMPAIGN + "/stats", CAMPAIGN + "/progress"
EVENTS, RECIPIENTS = CAMPAIGN + "/events", CAMPAIGN + "/recipients"
HOOKS, HOOKED = "/webhooks", "/webhooks/{webhook_id}"
NEW = {"email": "grace@new.example", "first_name": "Grace", "last_name": "Hopper"}
LISTED = {**NEW, "list_ids": [1001]}
MAIL = {"emails": ["grace@new.example"]}

# In an order in which nothing is deleted before it is needed.
HUNTER = (
    Call("account.read", "GET", "/account", 200),
    Call("leads.list", "GET", LEADS, 200, query="?limit=3"),
    Call("leads.create", "POST", LEADS, 201, body=NEW),
    Call("leads.upsert", "PUT", LEADS, 200, body={**NEW, "job_title": "Admiral"}),
    Call("leads.get", "GET", LEAD, 200, ("1",)),
    Call("leads.update", "PATCH", LEAD, 200, ("1",), {"company": "Facebook"}),
    Call("leads.delete", "DELETE", LEAD, 204, ("40",)),
    Call("lists.list", "GET", LISTS, 200),
    Call("lists.create", "POST", LISTS, 201, body={"name": "Fair"}),
    Call("lists.get", "GET", LIST, 200, ("1",)),
    Call("lists.update", "PATCH", LIST, 200, ("1",), {"name": "Other"}),
    Call("lists.delete", "DELETE", LIST, 204, ("4",)),
    Call("custom_fields.list", "GET", FIELDS, 200),
    Call("custom_fields.create", "POST", FIELDS, 201, body={"label": "Tier"}),
    Call("custom_fields.get", "GET", FIELD, 200, ("1",)),
    Call("custom_fields.update", "PATCH", FIELD, 200, ("1",), {"label": "Campaign"}),
    Call("custom_fields.delete", "DELETE", FIELD, 204, ("3",)),
    Call("campaigns.list", "GET", CAMPAIGNS, 200),
    Call("campaigns.get", "GET", CAMPAIGN, 200, ("1",)),
    Call("campaigns.stats", "GET", STATS, 200, ("1",)),
    Call("recipients.list", "GET", RECIPIENTS, 200, ("1",)),
    Call("recipients.add", "POST", RECIPIENTS, 201, ("1",), MAIL),
    Call("recipients.cancel", "DELETE", RECIPIENTS, 200, ("1",), MAIL),
    Call("webhooks.list", "GET", HOOKS, 200),
    Call("webhooks.create", "POST", HOOKS, 201, body={"url": HOOK, "event": "email.sent"}),
    Call("webhooks.get", "GET", HOOKED, 200, ("1",)),
    Call("webhooks.update", "PATCH", HOOKED, 200, ("1",), {"event": "email.opened"}),
    Call("webhooks.delete", "DELETE", HOOKED, 204, ("2",)),
)
SNOV = (
    Call("account.read", "GET", "/account", 200),
    Call("leads.list", "GET", LEADS, 200, query="?list_id=1001&limit=3"),
    Call("leads.create", "POST", LEADS, 201, body=LISTED),
    Call("leads.list", "GET", LEADS, 200, query="?email=grace@new.example"),
    Call("leads.upsert", "PUT", LEADS, 200, body={**LISTED, "job_title": "Admiral"}),
    Call("leads.get", "GET", LEAD, 200, (PROSPECT,)),
    Call("lists.list", "GET", LISTS, 200),
    Call("lists.create", "POST", LISTS, 201, body={"name": "Fair"}),
    Call("lists.get", "GET", LIST, 200, ("1001",)),
    Call("custom_fields.list", "GET", FIELDS, 200),
    Call("custom_fields.get", "GET", FIELD, 200, ("Project%20name",)),
    Call("campaigns.list", "GET", CAMPAIGNS, 200),
    Call("campaigns.get", "GET", CAMPAIGN, 200, ("2001",)),
    Call("campaigns.stats", "GET", STATS, 200, ("2001",), query="?date_from=2026-01-01"),
    Call("campaigns.progress", "GET", PROGRESS, 200, ("2001",)),
    *(
        Call("campaigns.events", "GET", EVENTS, 200, ("2001",), query=f"?type={kind}")
        for kind in ("sent", "opened", "clicked", "replied", "finished")
    ),
    Call(
        "recipients.change",
        "PATCH",
        RECIPIENTS,
        200,
        ("2001",),
        {"email": "{recipient}", "status": "paused"},
    ),
    Call(
        "do_not_email.add",
        "POST",
        "/do-not-email",
        201,
        body={"items": ["grace@new.example", "rival.example"], "list_id": "3001"},
    ),
    Call("webhooks.list", "GET", HOOKS, 200),
    Call("webhooks.create", "POST", HOOKS, 201, body={"url": HOOK, "event": "email.sent"}),
    Call("webhooks.get", "GET", HOOKED, 200, ("1",)),
    Call("webhooks.update", "PATCH", HOOKED, 200, ("1",), {"status": "deactivated"}),
    Call("webhooks.delete", "DELETE", HOOKED, 204, ("2",)),
)
CALLS = {"hunter": HUNTER, "snov": SNOV}
# What an account keeps, or tells of itself, that the contract gives no place; natively all of it.
NATIVE_ONLY = {
    "hunter": {
        "GET /usage": "beta; the balance is in /account",
        "GET /leads/exist": "a list of leads by address tells it",
        "POST /leads/bulk/move": "beta",
        "POST /leads/bulk/delete": "beta",
        "GET /sequences": "the same rows as of /campaigns",
        "POST /sequences": "campaigns are read here, and made at the provider",
        "PUT /sequences/{id}": "campaigns are read here",
        "DELETE /sequences/{id}": "campaigns are read here",
        "POST /campaigns/{id}/start": "campaigns are read here",
        "POST /sequences/{id}/pause": "campaigns are read here",
        "DELETE /sequences/{id}/pause": "campaigns are read here",
        "POST /sequences/{id}/archive": "campaigns are read here",
        "GET /sequences/{id}/follow-ups": "campaigns are read here",
        "POST /sequences/{id}/follow-ups": "campaigns are read here",
        "GET /sequences/{id}/follow-ups/{step}": "campaigns are read here",
        "PUT /sequences/{id}/follow-ups/{step}": "campaigns are read here",
        "DELETE /sequences/{id}/follow-ups/{step}": "campaigns are read here",
    },
    "snov": {"POST /v1/oauth/access_token": "the gateway signs in by itself"},
}
# What looks something up: all that has a price, what waits for it, and what is free beside it.
LOOKUPS = (
    "/domain-", "/email-", "/people/", "/companies/", "/combined/", "/discover", "/logos/",
    "/v1/get-emails-from-", "/v1/get-emails-verification-status", "/v1/get-domain-emails-count",
    "/v2/domain-search/", "/v2/emails-by-", "/v2/email-verification/", "/v2/company-domain-",
    "/v2/li-profiles-", "/v2/database-search/",
)  # fmt: skip


def account_endpoints(provider: str) -> list[Endpoint]:
    """All that the documents describe of an account, but secrets and second spellings."""
    return [
        row
        for row in BY_PROVIDER[provider]
        if row.alias_of is None
        and not row.secret
        and row.meter is None
        and not row.path.startswith(LOOKUPS)
    ]
