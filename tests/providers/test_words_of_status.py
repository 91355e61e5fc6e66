"""The contract's mapping of each provider's status words, one test a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers import vocabulary
from providers.model import Email, FindEmail, ListedEmail, SearchDomain, Verification, VerifyEmail

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

ADDRESS = "ada@engine.example"
PERSON = FindEmail(first_name="Ada", last_name="Lovelace", domain="engine.example")


@pytest.mark.parametrize(
    "word, smtp_check, expected, units",
    [
        ("valid", True, "valid", 1000),
        ("invalid", False, "invalid", 1000),
        ("accept_all", True, "catch_all", 1000),
        ("webmail", True, "valid", 0),
        ("webmail", False, "unknown", 0),
        ("webmail", None, "unknown", 0),
        ("disposable", True, "disposable", 0),
        ("unknown", None, "unknown", 0),
        (None, None, "unknown", 0),
        ("deliverable", True, "unknown", 0),
    ],
)
async def test_hunter_verifier(
    word: str | None, smtp_check: bool | None, expected: str, units: int, stage: StageMaker
) -> None:
    reply = {"data": {"status": word, "smtp_check": smtp_check}}
    answer = await stage("hunter", [{"reply": reply}]).lookup(VerifyEmail(email=ADDRESS))
    assert isinstance(answer.data, Verification)
    assert (answer.data.status, answer.units) == (expected, units)


HUNTER_FOUND = [
    ("valid", False, "valid"),
    ("accept_all", True, "catch_all"),
    ("unknown", True, "unknown"),
    ("invalid", False, "invalid"),
    ("disposable", False, "disposable"),
    ("webmail", False, "unknown"),
    (None, True, "catch_all"),
    (None, False, "unknown"),
    (None, None, "unknown"),
]


@pytest.mark.parametrize("word, accept_all, expected", HUNTER_FOUND)
async def test_hunter_finder(
    word: str | None, accept_all: bool | None, expected: str, stage: StageMaker
) -> None:
    data = {"email": ADDRESS, "accept_all": accept_all, "verification": {"status": word}}
    answer = await stage("hunter", [{"reply": {"data": data}}]).lookup(PERSON)
    assert isinstance(answer.data, Email)
    assert answer.data.status == expected


@pytest.mark.parametrize("word, accept_all, expected", HUNTER_FOUND)
async def test_hunter_domain_search(
    word: str | None, accept_all: bool | None, expected: str, stage: StageMaker
) -> None:
    emails = [{"value": ADDRESS, "verification": {"status": word}}]
    reply = {"data": {"emails": emails, "accept_all": accept_all}, "meta": {}}
    answer = await stage("hunter", [{"reply": reply}]).lookup(SearchDomain(domain="e.example"))
    assert first_listed(answer.data).status == expected


@pytest.mark.parametrize(
    "word, role, expected",
    [
        ("personal", False, "person"),
        ("generic", True, "role"),
        ("other", None, None),
        (None, None, None),
    ],
)
async def test_hunter_address_type(
    word: str | None, role: bool | None, expected: str | None, stage: StageMaker
) -> None:
    reply = {"data": {"emails": [{"value": ADDRESS, "type": word}]}, "meta": {}}
    answer = await stage("hunter", [{"reply": reply}]).lookup(SearchDomain(domain="e.example"))
    listed = first_listed(answer.data)
    assert (listed.role, listed.address_type) == (role, expected)


def first_listed(data: Any) -> ListedEmail:
    listed: ListedEmail = data.emails[0]
    return listed


@pytest.mark.parametrize(
    "word, expected",
    [("valid", "valid"), ("unknown", "unknown"), ("not_valid", "invalid"), ("odd", "unknown")],
)
async def test_snov_finder(word: str, expected: str, stage: StageMaker) -> None:
    data = {"emails": [{"email": ADDRESS, "emailStatus": word}]}
    reply = {"success": True, "data": data, "status": {"identifier": "complete"}}
    answer = await stage("snov", [{"reply": reply}]).lookup(PERSON)
    assert isinstance(answer.data, Email)
    assert (answer.data.status, answer.units) == (expected, 0)


@pytest.mark.parametrize(
    "word, catch_all, expected",
    [
        ("valid", False, "valid"),
        ("not_valid", False, "invalid"),
        ("not_valid", True, "invalid"),
        ("unknown", False, "unknown"),
        ("unknown", None, "unknown"),
        ("unknown", True, "catch_all"),
        ("odd", False, "unknown"),
    ],
)
async def test_snov_verifier(
    word: str, catch_all: bool | None, expected: str, stage: StageMaker
) -> None:
    data = {"smtpStatus": word, "isCatchall": catch_all}
    reply = {"success": True, ADDRESS: {"status": {"identifier": "complete"}, "data": data}}
    answer = await stage("snov", [{"reply": reply}]).lookup(VerifyEmail(email=ADDRESS))
    assert isinstance(answer.data, Verification)
    assert answer.data.status == expected


@pytest.mark.parametrize(
    "word, reason, expected",
    [
        ("valid", "", "valid"),
        ("not_valid", "", "invalid"),
        ("unknown", "catchall", "catch_all"),
        ("unknown", "banned", "unknown"),
        ("unknown", "connection_error", "unknown"),
        ("unknown", None, "unknown"),
        ("odd", None, "unknown"),
    ],
)
async def test_snov_v2(word: str, reason: str | None, expected: str, stage: StageMaker) -> None:
    """The finder's successor and the verifier's share their words."""
    checked = {"email": ADDRESS, "smtp_status": word, "unknown_status_reason": reason}
    started = {"reply": {"data": {"task_hash": "h"}}}
    results = [{"result": [checked]}], [{"result": checked}]
    for query, data in zip((PERSON, VerifyEmail(email=ADDRESS)), results, strict=True):
        exchanges = [started, {"reply": {"status": "completed", "data": data}}]
        answer = await stage("snov", exchanges, finder="v2").lookup(query)
        assert isinstance(answer.data, Email | Verification)
        assert answer.data.status == expected


@pytest.mark.parametrize(
    "entries, expected",
    [
        ([[ADDRESS, "OK", "COMPANY"]], "valid"),
        ([[ADDRESS, "ok", "COMPANY"]], "valid"),
        ([[ADDRESS, "UNKNOWN", "COMPANY"]], "catch_all"),
        ([[ADDRESS, "CATCH_ALL", "COMPANY"]], "catch_all"),
        ([[ADDRESS, "RISKY", "COMPANY"]], "unknown"),
        ([[ADDRESS, "INVALID", "COMPANY"]], "invalid"),
        ([[ADDRESS, "ODD", "COMPANY"]], "unknown"),
        ([[ADDRESS, "OK"]], "valid"),
        ([["x@e.example", "RISKY", "COMPANY"], [ADDRESS, "OK", "COMPANY"]], "valid"),
        ([["", "NOT_FOUND", "COMPANY"]], None),
        ([[None, "NOT_FOUND", None]], None),
        ([["x@e.example", "NOT_FOUND", "COMPANY"]], None),
        ([], None),
        ([["x@mail.example", "OK", "PERSONAL"]], None),
    ],
    ids=lambda value: str([entry[1:] for entry in value]) if isinstance(value, list) else None,
)
async def test_sixtyfour(
    entries: list[list[str | None]], expected: str | None, stage: StageMaker
) -> None:
    exchanges = [
        {"reply": {"task_id": "t", "status": "queued"}},
        {"reply": {"status": "completed", "result": {"email": entries}}},
    ]
    answer = await stage("sixtyfour", exchanges).lookup(PERSON)
    assert getattr(answer.data, "status", None) == expected
    if isinstance(answer.data, Email):
        assert (answer.data.email, answer.data.kind) == (ADDRESS, "professional")


def test_a_new_word_is_counted_and_told_but_nothing_personal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vocabulary, "_hooks", [])
    told: list[tuple[str, str, str]] = []
    vocabulary.on_unknown(lambda *word: told.append(word))
    vocabulary.note("hunter", "status", "quite_new")
    vocabulary.note("hunter", "status", ADDRESS)
    vocabulary.note("hunter", "status", "x" * 33)
    assert told == [("hunter", "status", word) for word in ("quite_new", "(other)", "(other)")]
    assert vocabulary.unknown_words["hunter", "status", "quite_new"] == 1


def test_the_count_of_new_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "unknown_words", type(vocabulary.unknown_words)())
    for number in range(1000):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        vocabulary.note("hunter", "status", word)
    assert len(vocabulary.unknown_words) <= 257
    assert vocabulary.unknown_words.total() == 1000
