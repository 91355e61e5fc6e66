"""Hunter: requests of somebody whose book is fresh."""

from __future__ import annotations

from providers.simulator.samples.record import DOMAIN, EMAIL, NEWCOMER, Sample

_ADA = {"domain": DOMAIN, "first_name": "Ada", "last_name": "Lovelace"}
_FIRST: dict[str, object] = {"id": 1}
_DRAFT: dict[str, object] = {"id": 3}
_ANYWHERE = {"exclude": [{"continent": "Antarctica"}]}

HUNTER: dict[str, Sample] = {
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
