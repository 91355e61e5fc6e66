"""Sixtyfour's signing secrets: made once, rolled with an overlap, and used on what it sends."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from providers.simulator.accounts import Account
from providers.simulator.dialect import Call, Handlers, Refused, Section
from providers.simulator.stage import Stage
from providers.simulator.wire import NO_CONTENT, Fields, Reply, reply

PREFIX = "sk_whsec_"
MOST_HOURS = 72


@dataclass(slots=True)
class Secret:
    plaintext: str
    created: datetime
    expires: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid4()))


@dataclass(slots=True)
class Keyring:
    """The secrets of an organization, the newest first; an older one dies with its overlap."""

    organization: str
    secrets: list[Secret] = field(default_factory=list)

    def living(self) -> list[Secret]:
        now = datetime.now(UTC)
        return [s for s in self.secrets if s.expires is None or s.expires > now]


def keyring(stage: Stage, account: Account) -> Keyring:
    return stage.book(account, lambda: Keyring(f"org-{account.name}"))


class Signing(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /webhooks/signing-secret": self._show,
            "POST /webhooks/signing-secret": self._create,
            "DELETE /webhooks/signing-secret": self._delete,
            "POST /webhooks/signing-secret/roll": self._roll,
        }

    def _ring(self, call: Call) -> Keyring:
        return keyring(self.stage, call.account)

    def _current(self, call: Call) -> Secret:
        living = self._ring(call).living()
        if not living:
            raise Refused(reply(404, {"detail": "No signing secret"}))
        return living[0]

    def _show(self, call: Call) -> Reply:
        return reply(200, _meta(self._ring(call), self._current(call)))

    def _create(self, call: Call) -> Reply:
        """Assumed: a second one is refused, because there is a way to roll."""
        ring = self._ring(call)
        if ring.living():
            raise Refused(reply(409, {"detail": "A signing secret already exists"}))
        return self._made(201, ring)

    def _roll(self, call: Call) -> Reply:
        """For the overlap both secrets sign; without one the old secret is gone at once."""
        ring, current = self._ring(call), self._current(call)
        hours = call.request.form.get("expire_overlap_hours", 24)
        if not isinstance(hours, int) or isinstance(hours, bool) or not 0 <= hours <= MOST_HOURS:
            detail = [
                {
                    "loc": ["body", "expire_overlap_hours"],
                    "msg": "Input should be less than or equal to 72",
                    "type": "less_than_equal",
                }
            ]
            raise Refused(reply(422, {"detail": detail}))
        current.expires = datetime.now(UTC) + timedelta(hours=hours)
        ring.secrets = [current]
        return self._made(200, ring)

    def _made(self, status: int, ring: Keyring) -> Reply:
        secret = Secret(PREFIX + secrets.token_hex(32), datetime.now(UTC))
        ring.secrets.insert(0, secret)
        return reply(status, {"plaintext": secret.plaintext, "meta": _meta(ring, secret)})

    def _delete(self, call: Call) -> Reply:
        self._current(call)
        self._ring(call).secrets.clear()
        return NO_CONTENT

    @staticmethod
    def headers(ring: Keyring, event: str, kind: str, attempt: int, body: bytes) -> dict[str, str]:
        """Of one attempt; unsigned until there is a secret."""
        sent = {
            "Sixtyfour-Event-Id": event,
            "Sixtyfour-Event-Type": kind,
            "Sixtyfour-Delivery-Attempt": str(attempt),
        }
        if living := ring.living():
            at = str(int(time.time()))
            marks = [f"v1={_sign(secret, at, body)}" for secret in living]
            sent["Sixtyfour-Signature"] = ",".join([f"t={at}", *marks])
        return sent


def _sign(secret: Secret, at: str, body: bytes) -> str:
    """The key is the whole secret, prefix included; the message is the raw body."""
    return hmac.new(secret.plaintext.encode(), f"{at}.".encode() + body, "sha256").hexdigest()


def _meta(ring: Keyring, secret: Secret) -> Fields:
    return {
        "id": secret.id,
        "org_id": ring.organization,
        "preview": f"{PREFIX}••••…{secret.plaintext[-4:]}",
        "status": "active",
        "created_at": secret.created.isoformat(),
        "revoked_at": None,
    }
