"""Sixtyfour's own API as it is passed through, and what its calls cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from providers.errors import TaskFailed
from providers.model import EMAILS_FIND, FindEmail, Kind
from providers.native import Asked, NativeApi, Task, rows
from providers.sixtyfour.wire import DONE, ENDED, MODES

MOST_LEADS = 100
# Thousandths of a cent.
PRICES: Mapping[Kind, int] = {"professional": 5_000, "personal": 20_000}


def price_in_cents(query: FindEmail) -> int:
    return PRICES[query.kind]


def worst_of_one(asked: Asked) -> int:
    """A mode that nobody knows may cost what the dearest does."""
    kind = MODES.get(asked.text("mode").lower() or "professional", "personal")
    return price_in_cents(FindEmail(kind=kind))


def worst_of_many(asked: Asked) -> int:
    return worst_of_one(asked) * min(MOST_LEADS, max(1, len(asked.items("leads"))))


def charged_for_one(asked: Asked, _status: int, body: Any) -> int:
    """The provider's word, which its tools know and its page does not; else what a hit costs."""
    if (cents := body.get("cost_cents")) is not None:
        units: int = round(cents * 1000)
        return units
    personal = MODES.get(asked.text("mode").lower()) == "personal"
    found = body["personal_email" if personal else "email"]
    return worst_of_one(asked) if any(entry[0] for entry in found) else 0


def charged_for_many(asked: Asked, status: int, body: Any) -> int:
    """An array, or an object that holds it: the documents say only that there are results."""
    results = body if isinstance(body, list) else body["results"]
    return sum(charged_for_one(asked, status, result) for result in results)


def charged_for_job(body: Any) -> int | None:
    word, cents = str(body["status"]).lower(), body.get("charge_amount")
    if word not in ENDED | {DONE}:
        return None
    if cents is None:
        raise TaskFailed(f"the job ended as {word} and told no price", uncertain=True)
    units: int = round(cents * 1000)
    return units


def refusal(title: str, detail: str) -> Mapping[str, object]:
    return {"error": title, "message": detail}


_job = Task(
    started=lambda body: str(body["task_id"]), result="/job-status/{task}", charged=charged_for_job
)
_paid, _secret = partial(rows, "", unit="cent"), partial(rows, "secret")
# At once, a batch takes minutes.
NATIVE = NativeApi(
    paths=(
        *_paid("POST /find-email", worst=worst_of_one, charged=charged_for_one),
        *_paid("POST /find-email-bulk", worst=worst_of_many, charged=charged_for_many),
        *_paid("POST /find-email-async", worst=worst_of_one, task=_job),
        *_paid("POST /find-email-bulk-async", worst=worst_of_many, task=_job),
        *rows("", "GET /job-status/{task_id}", reads=lambda asked: asked.segments["task_id"]),
        *_secret(
            "GET /webhooks/signing-secret", "POST /webhooks/signing-secret",
            "DELETE /webhooks/signing-secret", "POST /webhooks/signing-secret/roll",
        ),
    ),
    lookups={EMAILS_FIND: (
        "/find-email", "/find-email-bulk", "/find-email-async", "/find-email-bulk-async",
    )},
    accounts=("webhook",),
    refusal=refusal,
    seconds=300.0,
)  # fmt: skip
