"""Webmail, disposable and role addresses are told from maintained lists."""

from __future__ import annotations

import pytest

from gateway.lookup.flags import DISPOSABLE, ROLES, WEBMAIL, fill_flags, flags_of
from providers.model import Checks, DomainEmails, Email, ListedEmail, Person, Verification


@pytest.mark.parametrize(
    "address, webmail, disposable, role",
    [
        ("ada@gmail.com", True, False, False),
        ("ADA@GMAIL.COM", True, False, False),
        ("ada@mailinator.com", True, True, False),
        ("ada@box.mailinator.com", False, True, False),
        ("ada@notmailinator.com.example", False, False, False),
        ("info@engine.example", False, False, True),
        ("Sales+news@engine.example", False, False, True),
        ("sales2@engine.example", False, False, True),
        ("customer.service@engine.example", False, False, True),
        ("no_reply@engine.example", False, False, True),
        ("kontakt@engine.example", False, False, True),
        ("ada.sales@engine.example", False, False, False),
        ("sa@engine.example", False, False, False),
        ("2025@engine.example", False, False, False),
    ],
)
def test_an_address_says_what_it_is(
    address: str, webmail: bool, disposable: bool, role: bool
) -> None:
    assert flags_of(address) == (webmail, disposable, role)


def test_the_lists_are_whole() -> None:
    assert len(WEBMAIL) > 1000
    assert len(DISPOSABLE) > 1000
    assert len(ROLES) > 900
    rfc_2142 = "abuse hostmaster info marketing noc postmaster sales security support webmaster"
    assert set(rfc_2142.split()) <= ROLES
    assert all(role == role.strip().lower() and not role.startswith("#") for role in ROLES)


def test_what_the_provider_said_stays_and_what_it_left_open_is_filled() -> None:
    said = Email(email="info@gmail.com", webmail=False, role=False)
    fill_flags(said)
    assert (said.webmail, said.disposable, said.role) == (False, False, False)
    checked = Verification(email="info@gmail.com", status="valid", checks=Checks(webmail=None))
    fill_flags(checked)
    assert (checked.checks.webmail, checked.checks.role) == (True, True)
    listed = DomainEmails(emails=[ListedEmail(email="info@engine.example")])
    fill_flags(listed)
    assert listed.emails[0].role is True
    people = [Person(emails=[Email(email="ada@gmail.com")])]
    fill_flags(people)
    assert people[0].emails[0].webmail is True
