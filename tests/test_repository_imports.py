"""Imports point one way, now and in every module that is still to come."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = [
    ("providers.model", "gateway.settings", "gateway-above-providers"),
    ("gateway.app", "gateway.cli", "gateway-layers"),
    ("gateway.api", "gateway.app", "gateway-layers"),
    ("gateway.jobs", "gateway.api", "gateway-layers"),
    ("gateway.lookup", "gateway.jobs", "gateway-layers"),
    ("gateway.money", "gateway.lookup", "gateway-layers"),
    ("gateway.money", "gateway.guard", "gateway-layers"),
    ("gateway.vault", "gateway.money", "gateway-layers"),
    ("gateway.store", "gateway.vault", "gateway-layers"),
    ("gateway.telemetry", "gateway.store", "gateway-layers"),
    ("gateway.settings", "gateway.store", "gateway-layers"),
    ("gateway.utils", "json", "gateway-layers"),
    ("providers.offers", "providers.base", "provider-layers"),
    ("providers.hunter", "providers.registry", "adapters-apart"),
    ("providers.hunter", "providers.snov", "adapters-apart"),
    ("providers.base", "providers.hunter", "adapters-apart"),
    ("providers.transport", "providers.base", "provider-layers"),
    ("providers.errors", "providers.transport", "provider-layers"),
    ("providers.notices", "providers.base", "provider-layers"),
    ("providers.fifth", "providers.hunter", "adapters-apart"),
    ("providers.base", "providers.fifth", "adapters-apart"),
    ("providers.simulator", "providers.hunter", "adapters-apart"),
    ("gateway.lookup", "providers.snov", "adapters-through-registry"),
    ("gateway.cli", "providers.simulator", "adapters-through-registry"),
    ("providers.simulator", "providers.model", "simulator-alone"),
    ("providers.simulator.app", "providers.vocabulary", "simulator-alone"),
    ("providers.fifth", "providers.simulator", "simulator-unused"),
    ("providers.registry", "providers.simulator", "simulator-unused"),
    ("providers.base", "structlog", "providers-plain"),
    ("providers.registry", "litestar", "providers-plain"),
    ("providers.simulator", "redis", "providers-plain"),
    ("gateway.jobs", "litestar.exceptions", "litestar-at-the-edge"),
    ("gateway.cli", "litestar", "litestar-at-the-edge"),
    ("gateway.money", "redis.asyncio", "redis-in-the-store"),
    ("gateway.api", "httpx", "http-clients"),
    ("gateway.lookup", "aiohttp", "http-clients"),
    ("gateway.jobs.courier", "aiohttp", "http-clients"),
    ("gateway.guard.receivers", "httpx", "http-clients"),
    ("providers.hunter", "httpx", "http-clients"),
]

ALLOWED = [
    ("gateway.cli", "gateway.supervisor"),
    ("gateway.cli", "httpx"),
    ("gateway.supervisor", "gateway.app"),
    ("gateway.supervisor", "providers.simulator"),
    ("gateway.app", "litestar"),
    ("gateway.api", "gateway.jobs"),
    ("gateway.api", "litestar"),
    ("gateway.jobs.delivery", "aiohttp"),
    ("gateway.jobs", "gateway.lookup"),
    ("gateway.jobs.reception", "providers.notices"),
    ("gateway.lookup", "gateway.guard"),
    ("gateway.lookup", "providers.registry"),
    ("gateway.vault", "gateway.store"),
    ("gateway.store", "redis"),
    ("gateway.store", "gateway.telemetry"),
    ("providers.registry", "providers.fifth"),
    ("providers.fifth", "providers.base"),
    ("providers.base", "providers.transport"),
    ("providers.transport", "aiohttp"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The modules of the checkout, all empty: what breaks a contract here is the import added."""
    for package in ("gateway", "providers"):
        for module in (ROOT / package).rglob("*.py"):
            empty = tmp_path / module.relative_to(ROOT)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def add_import(tree: Path, importer: str, imported: str) -> None:
    if imported.startswith(("gateway", "providers")):
        source(tree, imported)
    with source(tree, importer).open("a") as code:
        code.write(f"\nimport {imported}\n")


def source(tree: Path, module: str) -> Path:
    """The file of a module; one that does not exist yet is made, with its parents."""
    parent, _, name = module.rpartition(".")
    if not parent:
        return tree / name / "__init__.py"
    package = source(tree, parent).parent / name
    if not package.with_suffix(".py").exists():
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        return package / "__init__.py"
    return package.with_suffix(".py")


def broken_contracts(tree: Path, *arguments: str) -> str:
    """What the linter says about a tree; empty if every contract is kept."""
    done = subprocess.run(
        [LINTER, "--no-cache", "--no-logo", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_imports_point_one_way() -> None:
    assert not broken_contracts(ROOT)


@pytest.mark.parametrize("importer, imported, contract", FORBIDDEN)
def test_a_forbidden_import_is_caught(
    tree: Path, importer: str, imported: str, contract: str
) -> None:
    add_import(tree, importer, imported)
    assert "BROKEN" in broken_contracts(tree, "--contract", contract)


def test_the_permitted_directions_stay_open(tree: Path) -> None:
    for importer, imported in ALLOWED:
        add_import(tree, importer, imported)
    assert not broken_contracts(tree)
