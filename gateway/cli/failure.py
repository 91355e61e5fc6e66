"""What ends a command: one message on stderr and an exit code.

0 done · 1 failed · 2 usage · 3 refused (budget, authentication) · 4 unreachable · 130 interrupted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FAILED, USAGE, REFUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 4, 130

EXIT_CODES = {400: USAGE, 401: REFUSED, 402: REFUSED, 403: REFUSED, 422: USAGE}


class Failure(Exception):
    """Shown as it is, without a traceback."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class Unreachable(Failure):
    """No gateway answered."""

    def __init__(self, message: str) -> None:
        super().__init__(message, UNREACHABLE)


class Interrupted(Failure):
    """Ctrl-C; the message says what was done and how to go on."""

    def __init__(self, message: str) -> None:
        super().__init__(message, INTERRUPTED)


def clean(text: object) -> str:
    """On one line and without control characters, which a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def to_failure(status: int, problem: Mapping[str, Any], hint: str = "") -> Failure:
    """An `application/problem+json` body as one message."""
    lines = [describe(status, problem)]
    lines += [f"  {line}" for line in to_lines(problem)]
    lines += [f"  {to_attempt(attempt)}" for attempt in dicts(problem.get("attempts"))]
    if hint:
        lines.append(f"  {hint}")
    if problem.get("request_id"):
        lines.append(f"  (HTTP {status}, request {clean(problem['request_id'])})")
    return Failure("\n".join(lines), EXIT_CODES.get(status, FAILED))


def describe(status: int, problem: Mapping[str, Any]) -> str:
    """Title and detail of a problem, each once."""
    title = clean(problem.get("title") or problem.get("code") or f"HTTP {status}")
    detail = clean(problem.get("detail") or "")
    return f"{title}: {detail}" if detail and detail != title else title


def to_lines(problem: Mapping[str, Any]) -> list[str]:
    """Each of `errors[]` that says more than the detail does."""
    detail = clean(problem.get("detail") or "")
    lines = map(to_line, dicts(problem.get("errors")))
    return [line for line in lines if line != detail and not detail.endswith(f": {line}")]


def to_line(error: Mapping[str, Any]) -> str:
    pointer = clean(error.get("pointer") or "")
    details = clean(error.get("details") or error.get("code") or "")
    return f"{pointer}: {details}" if pointer else details


def to_attempt(attempt: Mapping[str, Any]) -> str:
    words = [attempt.get("outcome"), attempt.get("reason")]
    return f"{clean(attempt.get('provider'))}: {clean(', '.join(str(w) for w in words if w))}"


def dicts(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
