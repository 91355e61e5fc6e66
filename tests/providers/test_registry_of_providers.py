"""Adapters, recordings and the table of capabilities belong together."""

from __future__ import annotations

import ast
import inspect
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from providers.base import Account, Adapter, Charge
from providers.model import OPERATIONS
from providers.registry import ADAPTERS, capabilities, create

RECORDINGS = Path(__file__).parents[1] / "recordings"


def test_the_default_order_of_a_waterfall() -> None:
    assert list(ADAPTERS) == ["hunter", "snov", "sixtyfour", "letrics"]


def test_every_operation_that_is_offered_is_recorded_and_no_other() -> None:
    recorded = {
        (path.parent.name, ".".join(path.stem.split(".")[:2]))
        for path in RECORDINGS.glob("*/*.json")
        if path.stem != "refusals"
    }
    offered = {(name, offer) for name, adapter in ADAPTERS.items() for offer in adapter.offers}
    assert recorded == offered


@pytest.mark.parametrize("name, adapter", ADAPTERS.items())
def test_every_adapter_declares_itself_and_only_asks_and_maps(
    name: str, adapter: type[Adapter]
) -> None:
    assert adapter.name == name
    assert adapter.base_url.startswith("https://")
    assert adapter.secret_fields
    package = Path(inspect.getfile(adapter))
    files = package.parent.glob("*.py") if package.parent.name == name else [package]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Try)
            assert not {"os", "time", "asyncio", "logging"} & set(imported(node))


def imported(node: ast.AST) -> list[str]:
    """Top-level modules that `node` imports."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [(node.module or "").partition(".")[0]] if isinstance(node, ast.ImportFrom) else []


def test_every_capability_is_a_row() -> None:
    rows = {(row.operation, row.provider, row.variant): row for row in capabilities()}
    assert len(rows) == 20
    assert [row.operation for row in capabilities()] == sorted(
        (row.operation for row in capabilities()), key=OPERATIONS.index
    )
    hunter = rows["emails.find", "hunter", ""]
    assert (hunter.units, hunter.price, hunter.charge) == (1000, Decimal("0.049"), Charge.PER_HIT)
    assert rows["emails.find", "sixtyfour", "professional"].units == 5_000
    assert rows["emails.find", "sixtyfour", "personal"].units == 20_000
    assert rows["emails.count", "hunter", ""].charge is Charge.FREE
    assert rows["domains.search", "hunter", "25 rows"].units == 3_000
    assert rows["domains.search", "snov", "a page"].units == 1_000
    assert rows["domains.search", "snov", "20 people with address"].units == 21_000


def test_an_adapter_is_made_for_an_account() -> None:
    account = Account("http://hunter.example", {"api_key": "s3cret"})
    adapter = create("hunter", account, httpx.MockTransport(lambda _request: httpx.Response(200)))
    assert adapter.account is account
    assert "s3cret" not in repr(adapter.account)
    with pytest.raises(KeyError):
        create("nobody", account, adapter.transport)
