"""The filters of Hunter's list of leads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.simulator.dialect import as_number
from providers.simulator.hunter.book import Lead
from providers.simulator.hunter.replies import refuse
from providers.simulator.wire import Request

# The name of the filter, and where it looks.
BY_TEXT = {
    "first_name": "first_name", "last_name": "last_name", "position": "position",
    "company": "company", "industry": "company_industry", "website": "website",
    "country_code": "country_code", "company_size": "company_size", "source": "source",
    "twitter": "twitter", "linkedin_url": "linkedin_url", "phone_number": "phone_number",
}  # fmt: skip
SYNC = {"pending", "error", "success"}
SENDING = {
    "clicked", "opened", "sent", "pending", "error", "bounced", "unsubscribed", "replied", "~",
}  # fmt: skip
VERIFIED = {
    "accept_all", "disposable", "invalid", "unknown", "valid", "webmail", "pending",
}  # fmt: skip
# A lead's check may speak the older words, its filter never does.
OLDER_WORDS = {"deliverable": "valid", "undeliverable": "invalid", "risky": "unknown"}


def choose(request: Request, leads: list[Lead]) -> list[Lead]:
    wanted = list(_tests(request))
    return [lead for lead in leads if all(_passes(lead, *test) for test in wanted)]


def _tests(request: Request) -> Iterator[tuple[str, Any]]:
    """What is asked for; empty values ask for nothing."""
    for name in ("email", *BY_TEXT, "query", "last_activity_at", "last_contacted_at"):
        if value := request.text(name):
            yield name, value
    if (number := request.text("leads_list_id")) and number.isdigit():
        yield "leads_list_id", as_number(number, 0)
    for name, known in (
        ("sync_status", SYNC), ("sending_status", SENDING), ("verification_status", VERIFIED),
    ):  # fmt: skip
        if words := request.texts(name):
            if not set(words) <= known:
                raise refuse(400, "wrong_params", f"The supplied {name} is invalid.")
            yield name, set(words)
    custom = request.fields.get("custom_attributes")
    for slug, value in (custom if isinstance(custom, dict) else {}).items():
        if value not in (None, ""):
            yield f"custom:{slug}", str(value)


def _passes(lead: Lead, name: str, wanted: Any) -> bool:
    match name:
        case "email":
            return _fits(lead.email, wanted)
        case "query":
            names = (lead.fields.get("first_name"), lead.fields.get("last_name"), lead.email)
            return any(wanted.casefold() in (value or "").casefold() for value in names)
        case "last_activity_at" | "last_contacted_at":
            return _fits("then" if lead.contacted else None, wanted)
        case "leads_list_id":
            return wanted in lead.list_ids
        case "sync_status":
            return lead.sync_status in wanted
        case "sending_status":
            return (lead.sending_status or "~") in wanted
        case "verification_status":
            word = lead.verified[1] if lead.verified else "pending"
            return OLDER_WORDS.get(word, word) in wanted
        case _ if name.startswith("custom:"):
            return _fits(lead.custom.get(name.removeprefix("custom:")), wanted)
        case _:
            return _fits(lead.fields.get(BY_TEXT[name]), wanted)


def _fits(value: str | None, wanted: str) -> bool:
    """`*` is any value, `~` none, and anything else is contained."""
    if wanted in {"*", "~"}:
        return bool(value) is (wanted == "*")
    return wanted.casefold() in (value or "").casefold()
