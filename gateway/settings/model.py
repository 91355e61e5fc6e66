"""The settings as the rest of the gateway sees them: checked, typed, with every default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct, field

from gateway.settings.accounts import BASE_URLS
from gateway.settings.secret import Secret
from providers.model import Status

# Where the chance of bouncing decides whether an address is accepted.
DELIVERABLE: tuple[Status, ...] = ("valid", "catch_all", "unknown")

Risk = Literal["fsync", "eviction", "persistence", "unchecked"]
Period = Literal["day", "month", "total"]
Order = Literal["listed", "cheapest", "learned"]
Verify = Literal["never", "uncertain"]
CacheScope = Literal["shared", "team"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]
LogFormat = Literal["json", "console"]


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """One provider: its address and, if the configuration names one, the credential `env`.

    `secret` has the members of a stored credential's. `prices` is money per unit by operation or
    native path, `limits` the credential's own; both hold only what was set.
    """

    base_url: str
    base_url_set: bool = False
    secret: Mapping[str, Secret] | None = None
    prices: Mapping[str, Decimal] = {}
    limits: Mapping[str, int] = {}
    weight: int = 1
    exclusive: bool = False
    options: Mapping[str, str] = {}


class RouteSettings(Struct, frozen=True, kw_only=True):
    """How an operation is routed where neither the call nor the team says otherwise.

    `providers` None means all; `max_age` and `timeout` are seconds, `timeout` None the wait. With
    the order `learned` nobody is asked whose accepted answers cost more than `value`, and a second
    of waiting for one costs `wait_price`.
    """

    providers: tuple[str, ...] | None = None
    order: Order = "learned"
    accept_statuses: tuple[Status, ...] = ("valid",)
    min_confidence: int = 0
    max_bounce: float | None = None
    verify: Verify = "never"
    max_cost: Decimal | None = None
    value: Decimal | None = None
    wait_price: Decimal | None = None
    max_age: int = 2_592_000
    timeout: float | None = None
    guess: bool = True


class BudgetSettings(Struct, frozen=True, kw_only=True):
    """A budget over the whole installation; `alert_at` are shares of `amount`."""

    amount: Decimal
    period: Period
    alert_at: tuple[Decimal, ...] = (Decimal("0.8"), Decimal("0.95"))


class RetentionSettings(Struct, frozen=True, kw_only=True):
    """`cache_days` of accepted answers, `cache_weak_days` of the others, of both at most
    `cache_entries`; `doubts_days` of questions whose calls are in doubt; `outcomes_days` of who
    said what of an address, for what becomes of it. Of lookups' decisions at most
    `traces_entries`. Objections stay.
    """

    idempotency_hours: int = 24
    job_results_days: int = 7
    traces_days: int = 14
    traces_entries: int = 100_000
    ledger_days: int = 400
    cache_days: int = 30
    cache_weak_days: int = 7
    cache_entries: int = 1_000_000
    doubts_days: int = 35
    audit_days: int = 400
    erasures_days: int = 400
    outcomes_days: int = 90


class JobSettings(Struct, frozen=True, kw_only=True):
    """How much of a process goes into jobs of many rows."""

    bulk_concurrency: int = 32


class EdgeSettings(Struct, frozen=True, kw_only=True):
    """What a request may weigh; jobs carry up to 10,000 items and may weigh more.

    The body of a native request is searched before it is passed on, and so it is held as a whole.
    """

    max_body_bytes: int = 256 * 1024
    max_job_body_bytes: int = 8 * 1024 * 1024
    max_native_body_bytes: int = 1024 * 1024
    max_json_depth: int = 32


class WebhookSettings(Struct, frozen=True, kw_only=True):
    """How events are delivered; `timeout` and `retries`, the waits after a failure, in seconds.

    `at_once` bounds a process, `per_endpoint` one receiver over all of them.
    """

    timeout: float = 15.0
    retries: tuple[int, ...] = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    per_endpoint: int = 4
    at_once: int = 64
    keep_days: int = 7


def _default_providers() -> dict[str, ProviderSettings]:
    return {name: ProviderSettings(base_url=url) for name, url in BASE_URLS.items()}


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that can be configured; `store_url` None is the embedded store.

    `sandbox` and `log_format` None leave the choice to the start.
    """

    store_url: str | None = None
    store_timeout_ms: int = 250
    store_accept_risk: frozenset[Risk] = frozenset()
    data_dir: Path = Path("data")
    master_keys: tuple[Secret, ...] = ()
    admin_key: Secret | None = None
    sandbox: bool | None = None
    public_url: str | None = None
    currency: str = "USD"
    timezone: str = "UTC"
    log_level: LogLevel = "info"
    log_format: LogFormat | None = None
    metrics_key: Secret | None = None
    webhook_allow_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    test_clock: bool = False
    providers: Mapping[str, ProviderSettings] = field(default_factory=_default_providers)
    routes: Mapping[str, RouteSettings] = {}
    cache_scope: CacheScope = "shared"
    budget: tuple[BudgetSettings, ...] = ()
    reconcile_minutes: int = 60
    retention: RetentionSettings = RetentionSettings()
    jobs: JobSettings = JobSettings()
    edge: EdgeSettings = EdgeSettings()
    webhooks: WebhookSettings = WebhookSettings()

    def route(self, operation: str) -> RouteSettings:
        """The configured route of `operation`, or the defaults."""
        return self.routes.get(operation) or RouteSettings()

    @property
    def names_provider(self) -> bool:
        """Whether a credential or an address of any provider was configured (no sandbox then)."""
        return any(one.secret or one.base_url_set for one in self.providers.values())

    def secrets(self) -> Iterator[str]:
        """Every secret there is, for the log's redaction."""
        for key in (*self.master_keys, self.admin_key, self.metrics_key):
            if key is not None:
                yield key.reveal()
        for provider in self.providers.values():
            yield from (one.reveal() for one in (provider.secret or {}).values())
        if self.store_url is not None:
            yield from _passwords(self.store_url)


def _passwords(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.password:
        yield unquote(parts.password)
    yield from parse_qs(parts.query).get("password", [])
