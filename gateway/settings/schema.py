"""Every key of the TOML file and every variable of the environment, and what each may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Union, get_args

from gateway.settings import accounts, model, rules
from gateway.settings.rules import Rule
from providers.model import OPERATIONS, Status

_NATIVE_PATH = re.compile(r"/?[A-Za-z0-9_{}-]+(/[A-Za-z0-9_{}-]+)*")


class Open(NamedTuple):
    """A table whose keys are the user's, as far as `accepts` lets them."""

    rule: Rule
    accepts: Callable[[str], bool]
    expected: str


class Rows(NamedTuple):
    """One table, or an array of them."""

    table: Table


class Dotted(NamedTuple):
    """A table whose keys hold dots, quoted or not."""

    table: Table


Node = Union[Rule, Open, Rows, Dotted, "Table"]
Table = Mapping[str, Node]


class Variable(NamedTuple):
    """An environment variable and the TOML key it stands above; no path: environment only."""

    name: str
    path: tuple[str, ...]
    meaning: str
    default: str = "unset"


def _is_price_key(key: str) -> bool:
    return key in OPERATIONS or bool(_NATIVE_PATH.fullmatch(key))


_LIMITS: Table = {
    **dict.fromkeys(("units_day", "units_month", "units_total"), rules.whole_number(1, 10**12)),
    **dict.fromkeys(("per_second", "per_minute", "per_hour"), rules.whole_number(1, 10**6)),
    **dict.fromkeys(("per_day", "concurrency"), rules.whole_number(1, 10**9)),
}

_PRICES = Open(rules.price(), _is_price_key, f"{', '.join(OPERATIONS)} or a native path")


def _provider(name: str) -> Table:
    options = accounts.option_rules(name)
    return {
        **dict.fromkeys(accounts.secret_keys(name), rules.token()),
        "base_url": rules.web_url(),
        "prices": _PRICES,
        "limits": _LIMITS,
        "weight": rules.whole_number(1, 1000),
        "exclusive": rules.toggle(),
        "options": Dotted(options) if any("." in option for option in options) else options,
    }


_ROUTE: Table = {
    "providers": rules.choices(*accounts.PROVIDERS),
    "order": rules.choice(*get_args(model.Order)),
    "accept": {
        "statuses": rules.choices(*get_args(Status)),
        "min_confidence": rules.whole_number(0, 100),
        "max_bounce": rules.share(),
    },
    "verify": rules.choice(*get_args(model.Verify)),
    "max_cost": rules.money(),
    "value": rules.money(),
    "wait_price": rules.money(),
    "max_age": rules.whole_number(0, 10**9),
    "timeout": rules.seconds(86_400),
    "guess": rules.toggle(),
}

_BUDGET: Table = {
    "amount": rules.money(),
    "period": rules.choice(*get_args(model.Period)),
    "alert_at": rules.shares(),
}

SCHEMA: Table = {
    "store_url": rules.store_url(),
    "store_timeout_ms": rules.whole_number(1, 60_000),
    "store_accept_risk": rules.choices(*get_args(model.Risk)),
    "data_dir": rules.directory(),
    "master_key": rules.master_keys(),
    "admin_key": rules.printable(24),
    "sandbox": rules.toggle(),
    "public_url": rules.web_url(),
    "currency": rules.currency(),
    "timezone": rules.time_zone(),
    "log_level": rules.choice(*get_args(model.LogLevel)),
    "log_format": rules.choice(*get_args(model.LogFormat)),
    "metrics_key": rules.token(),
    "webhook_allow_cidrs": rules.networks(),
    "test_clock": rules.toggle(),
    "providers": {name: _provider(name) for name in accounts.PROVIDERS},
    "routes": dict.fromkeys(OPERATIONS, _ROUTE),
    "cache": {"scope": rules.choice(*get_args(model.CacheScope))},
    "budget": Rows(_BUDGET),
    "reconcile_minutes": rules.whole_number(1, 7 * 24 * 60),
    "retention": {
        "idempotency_hours": rules.whole_number(24, 24 * 365),
        "job_results_days": rules.whole_number(1, 3650),
        "traces_days": rules.whole_number(1, 3650),
        "traces_entries": rules.whole_number(1, 10**8),
        "ledger_days": rules.whole_number(1, 36_500),
        "cache_days": rules.whole_number(1, 3650),
        "cache_weak_days": rules.whole_number(1, 3650),
        "cache_entries": rules.whole_number(1, 10**9),
        "doubts_days": rules.whole_number(1, 3650),
        "audit_days": rules.whole_number(1, 36_500),
        "erasures_days": rules.whole_number(1, 36_500),
        "outcomes_days": rules.whole_number(1, 3650),
    },
    "jobs": {
        "bulk_concurrency": rules.whole_number(1, 10_000),
    },
    "edge": {
        "max_body_bytes": rules.whole_number(1024, 2**30),
        "max_job_body_bytes": rules.whole_number(1024, 2**30),
        "max_native_body_bytes": rules.whole_number(1024, 2**30),
        "max_json_depth": rules.whole_number(4, 200),
    },
    "webhooks": {
        "timeout": rules.seconds(60),
        "retries": rules.waits(),
        "per_endpoint": rules.whole_number(1, 100),
        "at_once": rules.whole_number(1, 1000),
        "keep_days": rules.whole_number(1, 365),
    },
}


def _top(name: str, meaning: str, default: str = "unset") -> Variable:
    return Variable(name, (name.removeprefix("GATEWAY_").lower(),), meaning, default)


def _of(provider: str, key: str, meaning: str, default: str = "unset") -> Variable:
    name = accounts.variable_of(provider, key)
    return Variable(name, ("providers", provider, key), meaning, default)


VARIABLES = (
    Variable("GATEWAY_CONFIG", (), "TOML file to read", "./gateway.toml if there"),
    _top(
        "GATEWAY_STORE_URL",
        "redis://, rediss:// or unix:// address of one primary",
        "embedded store under GATEWAY_DATA_DIR",
    ),
    _top("GATEWAY_STORE_TIMEOUT_MS", "a slower store counts as down", "250"),
    _top(
        "GATEWAY_STORE_ACCEPT_RISK",
        "findings accepted by name: fsync, eviction, persistence, unchecked; comma separated",
        "none",
    ),
    _top("GATEWAY_DATA_DIR", "embedded store, journal, admin.key, generated master key", "./data"),
    _top(
        "GATEWAY_MASTER_KEY",
        "key-encryption keys, 32 bytes in base64 each, comma separated, newest first",
        "generated with the embedded store, required otherwise",
    ),
    _top(
        "GATEWAY_ADMIN_KEY",
        "bootstrap admin key, at least 24 printable characters",
        "generated with the embedded store, written to admin.key",
    ),
    _top(
        "GATEWAY_SANDBOX",
        "1 = simulated providers",
        "on if the store is embedded, never held a credential and no provider is configured",
    ),
    _top("GATEWAY_PUBLIC_URL", "own address, for provider callbacks"),
    _top("GATEWAY_CURRENCY", "the one currency of the installation", "USD"),
    _top("GATEWAY_TIMEZONE", "time zone of calendar budgets", "UTC"),
    _top("GATEWAY_LOG_LEVEL", "debug, info, warning, error or critical", "info"),
    _top("GATEWAY_LOG_FORMAT", "json or console", "console on a terminal, else json"),
    _top("GATEWAY_METRICS_KEY", "bearer key of /metrics", "open"),
    _top("GATEWAY_WEBHOOK_ALLOW_CIDRS", "private networks webhooks may reach", "none"),
    _top("GATEWAY_TEST_CLOCK", "1 = honour a clock offset kept in the store (tests)", "off"),
    *(_of(name, *told) for name in accounts.PROVIDERS for told in accounts.variables_of(name)),
)


def rule_at(path: tuple[str, ...]) -> Rule | None:
    """The rule of a variable's TOML key; None for a variable without one."""
    node: Node | None = SCHEMA if path else None
    for key in path:
        assert isinstance(node, Mapping)
        node = node[key]
    assert node is None or isinstance(node, Rule)
    return node


def has_file(variable: Variable) -> bool:
    """Whether the value may also be given as `NAME_FILE`."""
    rule = rule_at(variable.path)
    return rule is not None and rule.filed


def variables() -> list[tuple[str, str, str]]:
    """Name, meaning and default of every variable, for the README and `.env.example`."""
    return [(one.name, one.meaning, one.default) for one in VARIABLES]
