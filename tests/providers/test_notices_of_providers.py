"""What providers send by themselves is read and checked as their documents, or guesses, say."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from providers.notices import CampaignEvent, Notice
from providers.registry import READERS
from providers.sixtyfour.notices import TOLERANCE, verify_notice

NOW = 1_795_000_000
BODY = b'{"task_id": "t-1",  "status": "completed", "task_type": "find_email", "result": {}}'
SECRETS = ["sk_whsec_new", "sk_whsec_old"]


def read(provider: str, body: Any) -> Notice:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return READERS[provider].read({}, raw)


def v1(secret: str, at: int = NOW, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "signature",
    [
        f"t={NOW},v1={v1('sk_whsec_new')}",
        f"t={NOW},v1={v1('sk_whsec_old')}",
        f"t={NOW}, v1={'0' * 64}, v1={v1('sk_whsec_new')}",
        f"t={NOW},v0=x,v1={v1('sk_whsec_new')}",
        f"t={NOW - TOLERANCE},v1={v1('sk_whsec_new', NOW - TOLERANCE)}",
        f"t={NOW + TOLERANCE},v1={v1('sk_whsec_new', NOW + TOLERANCE)}",
    ],
)
def test_sixtyfour_s_signature_is_known(signature: str) -> None:
    assert verify_notice({"sixtyfour-signature": signature}, BODY, SECRETS, NOW)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1=",
        f"t={NOW}",
        f"v1={v1('sk_whsec_new')}",
        f"t={NOW},v1=",
        f"t={NOW},v1={v1('sk_whsec_other')}",
        f"t={NOW},v1={v1('new')}",
        f"t={NOW},v0={v1('sk_whsec_new')}",
        f"t={NOW + 1},v1={v1('sk_whsec_new')}",
        f"t={NOW},t={NOW + 1},v1={v1('sk_whsec_new')}",
        f"t={NOW},v1={v1('sk_whsec_new', body=BODY.replace(b'  ', b' '))}",
        f"t={NOW - TOLERANCE - 1},v1={v1('sk_whsec_new', NOW - TOLERANCE - 1)}",
        f"t={NOW + TOLERANCE + 1},v1={v1('sk_whsec_new', NOW + TOLERANCE + 1)}",
        f"t=-{NOW},v1={v1('sk_whsec_new')}",
        f"t=\u0661,v1={v1('sk_whsec_new')}",
        f"t={NOW},v1={v1('sk_whsec_new')}" + ",v1=0" * 1000,
        f"t={NOW},v1=ü",
    ],
)
def test_whatever_sixtyfour_did_not_sign_is_refused(signature: str) -> None:
    assert not verify_notice({"sixtyfour-signature": signature}, BODY, SECRETS, NOW)


def test_sixtyfour_names_its_task_and_its_event() -> None:
    notice = READERS["sixtyfour"].read({"sixtyfour-event-id": "evt_1"}, BODY)
    assert notice == Notice(id="evt_1", tasks=("t-1",))
    assert read("sixtyfour", BODY).id == hashlib.sha256(BODY).hexdigest()


def test_snov_s_campaign_events_are_read() -> None:
    body = {
        "event_object": "campaign_reply",
        "event_action": "first_received",
        "data": {
            "recipient_email": "Ada@Blue-Harbor.example",
            "timestamp": 1_795_000_000,
            "campaign": {"id": 17, "name": "Spring"},
            "email_subject": "Hello",
            "email_body": "never passed on",
        },
    }
    assert read("snov", body).events == (
        CampaignEvent(
            type="replied",
            word="campaign_reply.first_received",
            first=True,
            email="ada@blue-harbor.example",
            occurred_at="2026-11-18T11:06:40Z",
            campaign_id="17",
            campaign="Spring",
            subject="Hello",
        ),
    )


@pytest.mark.parametrize(
    "body",
    [
        {"meta": {"task_hash": "abc"}, "data": []},
        {"data": {"task_hash": "abc"}},
        {"task_hash": "abc"},
    ],
)
def test_snov_s_results_name_their_task(body: Any) -> None:
    assert read("snov", body).tasks == ("abc",)


@pytest.mark.parametrize(
    "event, kind",
    [
        ("message.sent", "sent"),
        ("message.read", "opened"),
        ("message.clicked", "clicked"),
        ("message.replied", "replied"),
        ("lead.created", None),
        ("sequence.paused", None),
        ("something.new", None),
    ],
)
def test_hunter_s_events_are_read(event: str, kind: str | None) -> None:
    data = {"lead": {"email": "ada@x.example"}, "sequence": {"id": 3, "name": "S"}}
    events = read("hunter", {"event": event, "data": data}).events
    assert [(one.type, one.email, one.campaign_id, one.campaign) for one in events] == (
        [(kind, "ada@x.example", "3", "S")] if kind else []
    )


JUNK: list[Any] = [b"", b"{", b"\xff", b"5", b"[]", b"[" * 5000, [1, None], {}, {"data": 5}]
JUNK += [{"event_object": [], "event_action": {}}, {"event": {}, "task_id": {}, "task_hash": True}]
JUNK += [{"event": "message.sent", "data": [{"message": 5}]}]
JUNK += [{"event_object": "campaign_email", "event_action": "sent", "data": {"timestamp": "x"}}]
JUNK += [{"event_object": "campaign_email", "event_action": "sent", "timestamp": 10**300}]


@pytest.mark.parametrize("provider", READERS)
@pytest.mark.parametrize("body", JUNK)
def test_anything_can_be_read(provider: str, body: Any) -> None:
    notice = read(provider, body)
    assert notice.id
    assert notice.tasks == ()
    assert all(event.email is None for event in notice.events)
