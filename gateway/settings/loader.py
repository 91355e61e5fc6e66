"""Reads the TOML file, the environment and the command line, and makes `Settings` of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.settings.accounts import BASE_URLS, secret_keys, unpaired
from gateway.settings.model import (
    DELIVERABLE,
    BudgetSettings,
    EdgeSettings,
    ProviderSettings,
    RetentionSettings,
    RouteSettings,
    Settings,
    WebhookSettings,
)
from gateway.settings.problems import Place, SettingsError, suggest
from gateway.settings.rules import Text
from gateway.settings.schema import SCHEMA, VARIABLES, Variable, has_file, rule_at
from gateway.settings.tree import read_secret_file, read_table, read_value

CONFIG_FILE = Path("gateway.toml")

# Kubernetes and docker --link announce a service called "gateway" to its neighbours this way.
_SERVICE_LINK = re.compile(r"GATEWAY_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_\w+|NAME|ENV_\w+)")
_SERVICE_PORT = re.compile(r"(tcp|udp|sctp)://.*")


def load_settings(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Settings:
    """The checked configuration; `overrides`, from the command line, stand above everything
    and use the TOML file's top-level keys. Raises SettingsError with all that is wrong.
    Relative paths start at the working directory.
    """
    problems: list[str] = []
    values = _read_file(config, environ, problems)
    _read_environment(environ, values, problems)
    given = {key: _as_text(value) for key, value in overrides.items() if value is not None}
    values |= read_table(SCHEMA, given, Place("", "command line", problems))
    _check_together(values, problems)
    if problems:
        raise SettingsError(problems)
    return _assemble(values)


def _read_file(
    config: Path | None, environ: Mapping[str, str], problems: list[str]
) -> dict[str, Any]:
    named = config or (Path(name) if (name := environ.get("GATEWAY_CONFIG")) else None)
    path = named or CONFIG_FILE
    try:
        raw = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        if named:
            problems.append(f"{path}: no such file (from --config or GATEWAY_CONFIG)")
        return {}
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except ValueError as error:
        problems.append(f"{path}: not TOML: {error}")
        return {}
    return read_table(SCHEMA, raw, Place("", str(path), problems))


def _read_environment(
    environ: Mapping[str, str], values: dict[str, Any], problems: list[str]
) -> None:
    present = {name: text for name, text in environ.items() if text}
    known = {one.name for one in VARIABLES}
    known |= {f"{one.name}_FILE" for one in VARIABLES if has_file(one)}
    for name in sorted(present.keys() - known):
        if name.startswith("GATEWAY_") and not _is_service_link(name, present[name]):
            place = Place(name, "environment", problems)
            place.complain(f"unknown variable; {suggest(name, known)}")
    for variable in VARIABLES:
        _read_variable(variable, present, values, problems)


def _read_variable(
    variable: Variable, present: Mapping[str, str], values: dict[str, Any], problems: list[str]
) -> None:
    rule = rule_at(variable.path)
    place = Place(variable.name, "environment", problems)
    text = present.get(variable.name)
    file = present.get(f"{variable.name}_FILE") if has_file(variable) else None
    if rule is None or (text is None and file is None):
        return
    if text is not None and file is not None:
        place.complain(f"set this or {variable.name}_FILE, not both")
        return
    if file is not None:
        place = place._replace(key=f"{variable.name}_FILE")
        text = read_secret_file(file, place)
    value = None if text is None else read_value(rule, Text(text), place)
    _put(values, variable.path, value)


def _is_service_link(name: str, text: str) -> bool:
    if name == "GATEWAY_PORT":
        return bool(_SERVICE_PORT.fullmatch(text))
    return bool(_SERVICE_LINK.fullmatch(name))


def _put(values: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def _as_text(value: object) -> object:
    return Text(value) if isinstance(value, str | Path) else value


def _check_together(values: Mapping[str, Any], problems: list[str]) -> None:
    if "store_url" in values and "master_key" not in values:
        problems.append(
            "GATEWAY_MASTER_KEY: required with GATEWAY_STORE_URL; `openssl rand -base64 32`"
            " makes one, keep it: stored credentials cannot be read without it"
        )
    for name, table in values.get("providers", {}).items():
        for missing, given in unpaired(name, table):
            problems.append(f"{missing}: required with {given}")
    for row in values.get("budget", ()):
        missing_keys = sorted({"amount", "period"} - row.keys())
        problems.extend(f"budget.{key}: required in every budget" for key in missing_keys)


def _assemble(values: dict[str, Any]) -> Settings:
    tables = {key: values.pop(key, {}) for key in ("providers", "routes", "cache", "budget")}
    if "master_key" in values:
        values["master_keys"] = values.pop("master_key")
    if "store_accept_risk" in values:
        values["store_accept_risk"] = frozenset(values["store_accept_risk"])
    if "scope" in tables["cache"]:
        values["cache_scope"] = tables["cache"]["scope"]
    values["retention"] = RetentionSettings(**values.get("retention", {}))
    values["edge"] = EdgeSettings(**values.get("edge", {}))
    values["webhooks"] = WebhookSettings(**values.get("webhooks", {}))
    return Settings(
        **values,
        providers={name: _provider(name, tables["providers"].get(name, {})) for name in BASE_URLS},
        routes={operation: _route(table) for operation, table in tables["routes"].items()},
        budget=tuple(BudgetSettings(**row) for row in tables["budget"]),
    )


def _provider(name: str, table: Mapping[str, Any]) -> ProviderSettings:
    fields = secret_keys(name)
    secret = {field: table[key] for key, field in fields.items() if key in table}
    rest = {key: value for key, value in table.items() if key not in fields}
    rest.setdefault("base_url", BASE_URLS[name])
    return ProviderSettings(base_url_set="base_url" in table, secret=secret or None, **rest)


def _route(table: Mapping[str, Any]) -> RouteSettings:
    accept = table.get("accept", {})
    rest = {key: value for key, value in table.items() if key != "accept"}
    if "statuses" in accept:
        rest["accept_statuses"] = accept["statuses"]
    for name in ("min_confidence", "max_bounce"):
        if name in accept:
            rest[name] = accept[name]
    if "max_bounce" in accept:
        rest.setdefault("accept_statuses", DELIVERABLE)
    return RouteSettings(**rest)
