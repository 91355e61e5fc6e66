"""What can be made to go wrong with a simulated provider."""

from __future__ import annotations

import fnmatch
from random import Random
from typing import Any, Literal, Protocol, get_args

import msgspec

# Instead of an answer.
Replacement = Literal[
    "status", "html", "garbage", "deep", "empty_body", "unauthorized", "out_of_credits",
    "quota_as_401",
]  # fmt: skip
# No complete answer comes back at all.
Silence = Literal["hang", "close", "charge_without_reply"]
# The answer comes, and something is wrong with it or with the way it comes.
Distortion = Literal[
    "rename_field", "unknown_word", "truncated", "slow", "drip", "reset", "wrong_length",
    "bomb", "endless", "never_ready", "task_failed",
]  # fmt: skip
Kind = Literal[Replacement, Silence, Distortion]

REPLACEMENTS = frozenset(get_args(Replacement))
SILENCES = frozenset(get_args(Silence))
KINDS = REPLACEMENTS | SILENCES | frozenset(get_args(Distortion))
_UNCHARGED = REPLACEMENTS | {"hang", "close"}


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One switched fault.

    `path` is a pattern (`*` allowed) for what follows the provider's prefix; without one every
    path is hit. `rate` is the share of matching requests, `times` how many are hit at most.
    `seconds` is how long a hang lasts, a slow answer takes, or a drip pauses between bytes.
    `retry_after` is sent as given when text, as seconds when a number; with `as_date` it becomes
    the HTTP date so many seconds ahead. `charge` runs, and bills, the request although the answer
    is replaced or never sent. `field` overrides which field is renamed or given an unknown word.
    A `status` of 202 or 222 is how Hunter's verifier is made to wait. `quota_as_401` is what
    `out_of_credits` is, with a status that means a dead key elsewhere.
    """

    provider: str
    kind: Kind
    path: str | None = None
    rate: float = 1.0
    times: int | None = None
    seconds: float | None = None
    status: int = 503
    retry_after: float | str | None = None
    as_date: bool = False
    charge: bool | None = None
    field: str | None = None
    bytes: int = 64
    hits: int = 0

    @property
    def runs_request(self) -> bool:
        return self.kind not in _UNCHARGED if self.charge is None else self.charge


class Target(Protocol):
    """What a fault needs to know of the route it is about to hit."""

    @property
    def decisive(self) -> str | None: ...
    @property
    def word(self) -> str | None: ...
    @property
    def delayed(self) -> bool: ...
    @property
    def meter(self) -> str | None: ...
    @property
    def open(self) -> bool: ...


class Faults:
    """The faults switched on, tried in the order in which they were."""

    def __init__(self, seed: int = 7) -> None:
        self._random = Random(seed)
        self.listed: list[Fault] = []

    def put(self, fault: Fault) -> None:
        """Replaces the fault of the same provider, path and kind."""
        self.listed = [
            f
            for f in self.listed
            if (f.provider, f.path, f.kind) != (fault.provider, fault.path, fault.kind)
        ]
        self.listed.append(fault)

    def clear(self, provider: str | None = None) -> None:
        self.listed = [f for f in self.listed if provider not in {None, f.provider}]

    def draw(self, provider: str, path: str, target: Target) -> Fault | None:
        for fault in self.listed:
            if fault.provider == provider and self._hits(fault, path, target):
                fault.hits += 1
                return fault
        return None

    def halts(self, provider: str) -> bool:
        """Whether the provider's open tasks stay open for as long as the fault is on."""
        return any(
            f.provider == provider and f.kind == "never_ready" and f.times is None and f.rate >= 1
            for f in self.listed
        )

    def _hits(self, fault: Fault, path: str, target: Target) -> bool:
        if fault.path is not None and not fnmatch.fnmatchcase(path, fault.path):
            return False
        if fault.times is not None and fault.hits >= fault.times:
            return False
        return _applies(fault, target) and (fault.rate >= 1 or self._random.random() < fault.rate)


def _applies(fault: Fault, target: Target) -> bool:
    match fault.kind:
        case "rename_field":
            return bool(fault.field or target.decisive)
        case "unknown_word":
            return bool(fault.field or target.word)
        case "never_ready" | "task_failed":
            return target.delayed
        case "out_of_credits" | "quota_as_401":
            return target.meter is not None
        case "unauthorized":
            return not target.open
        case _:
            return True


def rename_field(payload: Any, name: str) -> Any:
    """The payload with every field `name` called otherwise."""
    if isinstance(payload, list):
        return [rename_field(item, name) for item in payload]
    if not isinstance(payload, dict):
        return payload
    return {
        f"new_{key}" if key == name else key: rename_field(value, name)
        for key, value in payload.items()
    }


def fail_task(payload: Any, _name: str = "") -> Any:
    """The payload of a task that was completed, and perhaps charged, as one that failed."""
    if not isinstance(payload, dict) or payload.get("status") not in ("completed", "complete"):
        return payload
    kept = {key: value for key, value in payload.items() if key not in ("result", "data")}
    return {**kept, "status": "failed"}


UNKNOWN_WORD = "sideways"


def put_unknown_word(payload: Any, name: str) -> Any:
    """The payload with a word never seen before wherever field `name` held one.

    In lists of tuples the word is the second member.
    """
    if isinstance(payload, list):
        return [put_unknown_word(item, name) for item in payload]
    if not isinstance(payload, dict):
        return payload
    return {
        key: _unknown(value) if key == name else put_unknown_word(value, name)
        for key, value in payload.items()
    }


def _unknown(value: Any) -> Any:
    if isinstance(value, str):
        return UNKNOWN_WORD
    if isinstance(value, list):
        return [[v[0], UNKNOWN_WORD, *v[2:]] if isinstance(v, list) else v for v in value]
    return put_unknown_word(value, "")
