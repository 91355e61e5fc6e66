"""Every failure as RFC 9457 problem+json, with a stable code."""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from msgspec import UNSET, Struct, UnsetType

from gateway.api.expectations import explain
from gateway.jobs.carrying import Buried
from gateway.lookup.attempts import Attempt
from gateway.lookup.desk import NotConfigured, Unanswerable
from gateway.lookup.endings import (
    HeldBack,
    KeyRevoked,
    Objected,
    OverBudget,
    TooFast,
    Unsettled,
)
from gateway.lookup.identity import QueryError
from gateway.money.amounts import to_money, to_units
from gateway.money.ledger import Outdated
from gateway.money.terms import Obstacle
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.sealing import SealBroken

log = get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_SOON = 2
RETRY_LATER = 60
CRASH_FRAMES = 20
CODES: Mapping[str, tuple[int, str]] = {
    "malformed_request": (400, "The request can't be read"),
    "unauthenticated": (401, "No valid key"),
    "budget_exhausted": (402, "A budget does not allow it"),
    "forbidden": (403, "The key may not do this"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "Not with this method"),
    "idempotency_in_flight": (409, "The first request with this key is still running"),
    "conflict": (409, "It conflicts with what is there"),
    "too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body must be application/json"),
    "invalid_query": (422, "The request does not fit"),
    "idempotency_mismatch": (422, "The key was used for another request"),
    "unsupported": (422, "No provider can do this"),
    "rate_limited": (429, "Too many requests"),
    "suppressed": (451, "The person objected"),
    "internal_error": (500, "Something went wrong here"),
    "all_providers_failed": (502, "No provider gave a clean answer"),
    "no_provider_configured": (503, "No provider is configured"),
    "no_provider_available": (503, "No provider is available now"),
    "ledger_unavailable": (503, "The ledger is not available"),
}


class Fault(Struct):
    """One thing that is wrong; `pointer` is a JSON pointer into the body, null if it is no member.

    A budget that stood in the way says which, and its money as decimal strings; `resets_at` is
    null for one that never does.
    """

    id: str
    code: int
    details: str
    pointer: str | None = None
    budget: str | UnsetType = UNSET
    period: str | UnsetType = UNSET
    spent: str | UnsetType = UNSET
    reserved: str | UnsetType = UNSET
    limit: str | UnsetType = UNSET
    resets_at: str | UnsetType | None = UNSET


class ProblemBody(Struct, kw_only=True):
    """RFC 9457; `code` is stable, `detail` is for people; `in_doubt` is money that is held."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Fault] = []
    attempts: list[Attempt] | UnsetType = UNSET
    in_doubt: str | UnsetType = UNSET


class Problem(Exception):
    """A failure as the caller will read it."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        faults: list[Fault] | None = None,
        retry_after: float | None = None,
        attempts: list[Attempt] | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(code)
        self.code = code
        self.status, self.title = CODES[code]
        self.detail = detail
        self.faults = faults or []
        self.attempts = attempts
        self.in_doubt: str | UnsetType = UNSET
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["retry-after"] = str(max(1, math.ceil(retry_after)))

    def body(self, request_id: str) -> bytes:
        return msgspec.json.encode(
            ProblemBody(
                type=f"urn:prospecting-gateway:{self.code}",
                title=self.title,
                status=self.status,
                detail=self.detail,
                code=self.code,
                request_id=request_id,
                errors=self.faults or [Fault(self.code, self.status, self.detail)],
                attempts=UNSET if self.attempts is None else self.attempts,
                in_doubt=self.in_doubt,
            )
        )


def invalid(pointer: str, details: str, code: str = "invalid_query") -> Problem:
    """422 about one member of the body."""
    where = pointer or "the body"
    return Problem(code, f"{where}: {details}", faults=[Fault(code, 422, details, pointer)])


def of_error(error: BaseException, request_id: str = "") -> Problem:
    """The problem that an exception means; what nobody expected is logged under `request_id`."""
    match error:
        case Problem():
            return error
        case QueryError():
            return invalid(error.pointer, error.details)
        case TooFast():
            what = "lookups at once" if error.at_once else "requests per minute"
            detail = f"The {error.scope}'s {what} are used up."
            return Problem("rate_limited", detail, retry_after=error.seconds)
        case OverBudget(budget=Obstacle() as budget):
            return over_budget(budget, None)
        case KeyRevoked():
            return unauthenticated()
        case Unanswerable() | HeldBack():
            return _unasked(error)
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _of_http(error)
    for kind, (code, detail, retry_after) in PLAIN.items():
        if isinstance(error, kind):
            return Problem(code, detail, retry_after=retry_after)
    _log_crash(error, request_id)
    return Problem("internal_error", "The gateway failed; the request id finds it in the logs.")


PLAIN: Mapping[type[Exception], tuple[str, str, float | None]] = {
    Objected: ("suppressed", "This person objected to the processing of their data.", None),
    Unsettled: (
        "ledger_unavailable",
        "The store does not answer. What was bought is kept: asked again, it costs nothing.",
        RETRY_SOON,
    ),
    Outdated: (
        "ledger_unavailable",
        "The store came back older than its callers: calls that were paid for may be missing from"
        " it. An administrator has to reconcile it: POST /v1/admin/reconcile.",
        RETRY_LATER,
    ),
    StoreDown: (
        "ledger_unavailable",
        "The store does not answer, so nothing is bought. Try again shortly.",
        RETRY_SOON,
    ),
    NotConfigured: (
        "no_provider_configured",
        "No provider that offers this has a credential. Add one with "
        "POST /v1/admin/credentials or the provider's environment variable.",
        None,
    ),
    Buried: (
        "internal_error",
        "Every process that worked on this ended before it was done; nobody tries it again.",
        None,
    ),
    SealBroken: (
        "conflict",
        "The credential is sealed with a master key that is not configured.",
        None,
    ),
}


def _log_crash(error: BaseException, request_id: str) -> None:
    """Where it happened, and no message: that may quote a person, or a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(at.filename).name}:{at.lineno} {at.name}" for at in frames[-CRASH_FRAMES:]]
    name = type(error).__name__
    log.error("request.crashed", error=name, request_id=request_id, places=places)


def unauthenticated() -> Problem:
    """Unknown, expired and revoked look the same."""
    detail = "Send a valid key as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
    return Problem("unauthenticated", detail, headers={"www-authenticate": "Bearer"})


def over_budget(budget: Obstacle, attempts: list[Attempt] | None) -> Problem:
    name = "max_cost" if budget.scope == "max_cost" else f"budget of {budget.scope}"
    amounts = (budget.spent, budget.limit, budget.reserved)
    spent, limit, reserved = (to_money(amount) for amount in amounts)
    if budget.scope.startswith("credential:"):
        name = f"unit limit of {budget.scope}"
        spent, limit, reserved = (str(to_units(amount)) for amount in amounts)
    resets = moment(budget.resets_at)
    detail = f"The {name} ({budget.period}) is {limit}; spent {spent}, reserved {reserved}."
    fault = Fault(
        "budget_exhausted",
        402,
        detail,
        budget=budget.scope,
        period=budget.period,
        spent=spent,
        reserved=reserved,
        limit=limit,
        resets_at=resets,
    )
    return Problem("budget_exhausted", detail, faults=[fault], attempts=attempts)


def moment(millis: int) -> str | None:
    """None for a budget that never resets."""
    if not 0 < millis < 2**50:
        return None
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat().replace("+00:00", "Z")


def _unasked(error: Unanswerable | HeldBack) -> Problem:
    if isinstance(error, HeldBack):
        code = "rate_limited" if error.reason == "rate_limited" else "no_provider_available"
        detail = f"The provider's account can't be asked at the moment: {error.reason}."
        return Problem(code, detail, retry_after=error.seconds)
    reasons = ", ".join(f"{name}: {reason}" for name, reason in error.reasons.items())
    detail = "No provider offers this operation."
    if reasons:
        detail = f"No configured provider can answer this query ({reasons})."
    return Problem("unsupported", detail, faults=[Fault("unsupported", 422, detail, "")])


def _of_http(error: HTTPException) -> Problem:
    match error:
        case NotFoundException():
            return Problem("not_found", "There is nothing at this address.")
        case MethodNotAllowedException():
            return Problem(
                "method_not_allowed",
                "This address does not take this method.",
                headers=error.headers,
            )
        case ValidationException():
            return _of_validation(error)
        case ClientException() if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Problem("too_large", "The body is larger than allowed.")
        case ClientException():
            return Problem("malformed_request", "The body is not JSON.")
    return Problem("malformed_request", "The request can't be read.")


_AT = re.compile(r" - at (?:`key` in )?`\$(.*)`$", re.DOTALL)
_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
# Where msgspec has no name of a member: of a table with keys of the caller's own.
_SOMEWHERE = "[...]"
_UNKNOWN = re.compile(r"unknown field `(.*)`$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(.*)`$", re.DOTALL)
# Litestar hands a handler its body as the argument `data`.
NO_BODY = "missing required field `data`"


def _of_validation(error: ValidationException) -> Problem:
    """What a path, a query or a missing body does not fit."""
    cause = error.__cause__
    if isinstance(cause, msgspec.ValidationError):
        if str(cause).endswith(NO_BODY):
            return invalid("", "is missing; send a JSON object")
        return of_mismatch(cause)
    details = "does not fit"
    if isinstance(error.extra, list) and error.extra:
        details = str(error.extra[0].get("message", details))
    return invalid("", details)


def of_mismatch(error: msgspec.ValidationError, kind: Any = None) -> Problem:
    """422 for JSON that does not fit its Struct: its path as a JSON pointer."""
    text = str(error)
    path = _AT.search(text)
    details = text[: path.start()] if path else text
    pointer = _pointer(path[1]) if path else ""
    if unknown := _UNKNOWN.search(details):
        pointer += "/" + _escaped(unknown[1])
        details = "is not a member this request knows"
    elif missing := _MISSING.search(details):
        pointer += "/" + _escaped(missing[1])
        details = "is missing"
    return invalid(pointer, explain(details, pointer, kind))


def _pointer(path: str) -> str:
    known = path.partition(_SOMEWHERE)[0]
    return "".join(f"/{_escaped(name or index)}" for name, index in _PART.findall(known))


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def request_id_of(scope: Mapping[str, Any]) -> str:
    found: str = scope.get("request_id", "")
    return found


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's hook for everything raised below it."""
    request_id = request_id_of(request.scope)
    return to_response(of_error(error, request_id), request_id)


def to_response(problem: Problem, request_id: str) -> Response[bytes]:
    return Response(
        problem.body(request_id),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


HANDLERS: Any = {HTTPException: respond, Exception: respond}
