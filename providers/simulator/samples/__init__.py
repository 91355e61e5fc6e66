"""For every endpoint one request that the simulated world answers well, on fresh books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from providers.simulator.endpoints import ENDPOINTS, Endpoint
from providers.simulator.samples.hunter import HUNTER
from providers.simulator.samples.others import LETRICS, SIXTYFOUR
from providers.simulator.samples.record import DOMAIN, EMAIL, NEWCOMER, PROFILE, SECRET, Sample
from providers.simulator.samples.snov import SNOV

__all__ = [
    "DOMAIN", "EMAIL", "NEWCOMER", "PROFILE", "SAMPLES", "SECRET", "Prepared", "Sample",
    "chain_of", "prepare", "sample_of", "times_of",
]  # fmt: skip


class Prepared(NamedTuple):
    """A request in full; `path` follows the provider's base URL."""

    path: str
    query: dict[str, Any]
    body: Any


SAMPLES: Mapping[str, Mapping[str, Sample]] = {
    "hunter": HUNTER,
    "snov": SNOV,
    "sixtyfour": SIXTYFOUR,
    "letrics": LETRICS,
}
_BY_NAME_OF: Mapping[tuple[str, str], Endpoint] = {(e.provider, e.name): e for e in ENDPOINTS}


def sample_of(endpoint: Endpoint) -> Sample:
    return SAMPLES[endpoint.provider][endpoint.alias_of or endpoint.name]


def chain_of(endpoint: Endpoint) -> list[Endpoint]:
    """The endpoints to be called in turn, the one asked for last."""
    after = sample_of(endpoint).after
    earlier = chain_of(_BY_NAME_OF[endpoint.provider, after]) if after is not None else []
    return [*earlier, endpoint]


def times_of(endpoint: Endpoint) -> int:
    """How often it is to be asked: without latency, later work is done when asked for again."""
    reads = endpoint.method == "GET" or endpoint.meter is None
    return 2 if endpoint.delayed and reads else 1


def prepare(endpoint: Endpoint, earlier: Any = None) -> Prepared:
    """The sample filled in; `earlier` is the decoded reply to the endpoint before it."""
    sample = sample_of(endpoint)
    taken = {name: _taken(earlier, path) for name, path in sample.take.items()}
    segments = {**sample.segments, **taken}
    path = endpoint.path
    for name, value in segments.items():
        path = path.replace(f"{{{name}}}", str(value))
    loose = {name: value for name, value in taken.items() if f"{{{name}}}" not in endpoint.path}
    return Prepared(path, {**sample.query, **loose}, sample.body)


def _taken(reply: Any, path: str) -> Any:
    for key in path.split("."):
        reply = reply[int(key)] if isinstance(reply, list) else reply[key]
    return reply.rpartition("/")[2] if isinstance(reply, str) and "://" in reply else reply
