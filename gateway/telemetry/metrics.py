"""Prometheus metrics, summed over all workers when `PROMETHEUS_MULTIPROC_DIR` is set.

It is read when this module is imported: the supervisor sets it before it starts a worker.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Read from the store when somebody asks; no process counts it.
BREAKERS = "gateway_breaker_open"

# Own overhead is below a millisecond, a waterfall may take its whole minute.
_SECONDS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0),
)

# Without this every counter has a twin that says when it was created.
disable_created_metrics()  # type: ignore[no-untyped-call]

if DIRECTORY_VARIABLE in os.environ:
    # The library asks the system for the process id at every count; a worker never forks.
    values.ValueClass = values.MultiProcessValue(process_identifier=cache(os.getpid))  # type: ignore[no-untyped-call]

_registry = CollectorRegistry()
_requests = Counter(
    "gateway_requests", "Requests served.", ("route", "status"), registry=_registry
)
_request_seconds = Histogram(
    "gateway_request_seconds",
    "Time from request to reply.",
    ("route",),
    buckets=_SECONDS,
    registry=_registry,
)
_attempts = Counter(
    "gateway_attempts",
    "Providers asked, by what came of it.",
    ("provider", "operation", "outcome"),
    registry=_registry,
)
_upstream_seconds = Histogram(
    "gateway_upstream_seconds",
    "Time a provider took.",
    ("provider", "operation"),
    buckets=_SECONDS,
    registry=_registry,
)
_cost = Counter(
    "gateway_cost_micros",
    "Money posted, in millionths of the currency.",
    ("provider",),
    registry=_registry,
)
_cache = Counter("gateway_cache", "Looks into the result cache.", ("result",), registry=_registry)
_unknown_words = Counter(
    "gateway_unknown_words",
    "Words of a provider that no table has.",
    ("provider", "field"),
    registry=_registry,
)
_store_calls = Counter(
    "gateway_store_calls", "Calls to the store.", ("result",), registry=_registry
)
_jobs_running = Gauge(
    "gateway_jobs_running",
    "Jobs being worked on.",
    multiprocess_mode="livesum",
    registry=_registry,
)

_drifts = Counter(
    "gateway_provider_drifts",
    "Times that a provider was found not to be what it was.",
    ("provider", "operation"),
    registry=_registry,
)
_deliveries = Counter(
    "gateway_webhook_attempts",
    "Attempts to deliver a webhook, by what came of it.",
    ("event", "result"),
    registry=_registry,
)
_delivery_seconds = Histogram(
    "gateway_webhook_seconds",
    "Time a receiver took.",
    ("event",),
    buckets=_SECONDS,
    registry=_registry,
)
_notices = Counter(
    "gateway_notices",
    "Messages from providers, by what was made of them.",
    ("provider", "result"),
    registry=_registry,
)

Metric = TypeVar("Metric", Counter, Histogram)


def _bind(metric: Metric) -> Callable[..., Metric]:
    """`metric.labels`, remembering its children: theirs takes a lock and builds a tuple."""
    return cache(metric.labels)


_requests_of = _bind(_requests)
_request_seconds_of = _bind(_request_seconds)
_attempts_of = _bind(_attempts)
_upstream_seconds_of = _bind(_upstream_seconds)
_cost_of = _bind(_cost)
_cache_of = _bind(_cache)
_unknown_words_of = _bind(_unknown_words)
_store_calls_of = _bind(_store_calls)
_drifts_of = _bind(_drifts)
_deliveries_of = _bind(_deliveries)
_delivery_seconds_of = _bind(_delivery_seconds)
_notices_of = _bind(_notices)


def count_request(route: str, status: int, seconds: float) -> None:
    """One request; `route` is the template (`/v1/jobs/{id}`), never the path."""
    _requests_of(route, status).inc()
    _request_seconds_of(route).observe(seconds)


def count_attempt(
    provider: str, operation: str, outcome: str, seconds: float | None = None
) -> None:
    """One attempt; `seconds` None if the provider was not asked (cached, skipped)."""
    _attempts_of(provider, operation, outcome).inc()
    if seconds is not None:
        _upstream_seconds_of(provider, operation).observe(seconds)


def count_cost(provider: str, micros: int) -> None:
    """Money posted for a call, in millionths."""
    _cost_of(provider).inc(micros)


def count_cache(result: str) -> None:
    """One look into the cache: `hit`, `miss` or `bypass`."""
    _cache_of(result).inc()


def count_unknown_word(provider: str, field: str) -> None:
    """A word of `field` that the adapter's table lacks; the word itself is no label."""
    _unknown_words_of(provider, field).inc()


def count_store_call(result: str) -> None:
    """One call to the store: `ok` or `failed`."""
    _store_calls_of(result).inc()


def count_drift(provider: str, operation: str) -> None:
    """A provider that is not what it was: what was known of it is forgotten."""
    _drifts_of(provider, operation).inc()


def count_delivery(event: str, result: str, seconds: float) -> None:
    """One attempt at a receiver, by the state that it left the delivery in."""
    _deliveries_of(event, result).inc()
    _delivery_seconds_of(event).observe(seconds)


def count_notice(provider: str, result: str) -> None:
    """One message of a provider: `event`, `hint`, `repeated`, `unread` or `forged`."""
    _notices_of(provider, result).inc()


def change_jobs_running(by: int) -> None:
    """Add `by` to the jobs this process works on."""
    _jobs_running.inc(by)


def render_breakers(found: Iterable[tuple[str, str, str, bool]]) -> bytes:
    """Provider, account, operation, and whether nothing is let through but a probe."""
    own = CollectorRegistry()
    breakers = Gauge(
        BREAKERS,
        "Breakers that have tripped: 1 open, 0 about to try.",
        ("provider", "credential", "operation"),
        registry=own,
    )
    for provider, credential, operation, is_open in found:
        breakers.labels(provider, credential, operation).set(is_open)
    return generate_latest(own)


def render() -> tuple[bytes, str]:
    """The metrics of all workers and their content type; reads files, a few milliseconds."""
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory:
        return generate_latest(_registry), CONTENT_TYPE_LATEST
    shared = CollectorRegistry()
    MultiProcessCollector(shared, directory)  # type: ignore[no-untyped-call]
    return generate_latest(shared), CONTENT_TYPE_LATEST


def prepare_directory(directory: Path) -> None:
    """Make `directory` ready for a new set of workers: for the supervisor, before the first."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        file.unlink()


def forget_worker(pid: int) -> None:
    """Drop the gauges of a worker that has died; what it counted stays counted."""
    if directory := os.environ.get(DIRECTORY_VARIABLE):
        mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
