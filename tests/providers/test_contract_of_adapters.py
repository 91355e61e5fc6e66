"""Every provider's every operation, with every kind of reply."""

from __future__ import annotations

import pytest

from providers.registry import ADAPTERS
from tests.providers import contract
from tests.providers.contract import Case

CASES = [case for adapter in ADAPTERS.values() for case in contract.cases_of(adapter)]

pytestmark = pytest.mark.parametrize("case", CASES, ids=str)


async def test_the_offer_says_what_it_costs(case: Case) -> None:
    await contract.check_declaration(case)


@pytest.mark.parametrize("kind", contract.CASES)
async def test_an_answer_is_as_recorded(case: Case, kind: str) -> None:
    await contract.check_answer(case, kind)


async def test_a_secret_travels_in_headers_only(case: Case) -> None:
    await contract.check_secret(case)


@pytest.mark.parametrize("name", contract.REFUSALS)
async def test_a_refusal_is_named_by_what_to_do(case: Case, name: str) -> None:
    await contract.check_refusal(case, name)


async def test_every_recorded_refusal_is_told_apart(case: Case) -> None:
    await contract.check_refusals(case)


async def test_a_server_error_is_unavailable(case: Case) -> None:
    await contract.check_server_error(case)


async def test_a_timeout_or_break_tells_whether_it_may_have_arrived(case: Case) -> None:
    await contract.check_breaks(case)


@pytest.mark.parametrize("kind", contract.MALFORMED)
async def test_what_is_not_the_documented_reply_is_malformed(case: Case, kind: str) -> None:
    await contract.check_malformed(case, kind)


async def test_a_renamed_field_that_decides_is_malformed_and_no_miss(case: Case) -> None:
    await contract.check_renamed(case)


async def test_a_new_word_is_unknown_and_counted(case: Case) -> None:
    await contract.check_new_word(case)
