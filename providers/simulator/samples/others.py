"""Sixtyfour and Letrics."""

from __future__ import annotations

from providers.simulator.samples.record import DOMAIN, Sample

_LEAD = {"name": "Ada Lovelace", "company": "Blue Harbor", "domain": DOMAIN}
_SIGNING = "/webhooks/signing-secret"
SIXTYFOUR: dict[str, Sample] = {
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

LETRICS: dict[str, Sample] = {
    f"{method} /{what}": Sample({"per_page": 3}) if method == "GET" else Sample(body=body)
    for what, body in (("contacts", {"is_decision_maker": True}), ("companies", {"per_page": 3}))
    for method in ("POST", "GET")
}
