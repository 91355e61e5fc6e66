"""The gateway's own refusals, in the words of whichever provider its caller's client knows."""

from __future__ import annotations

import asyncio

import msgspec

from gateway.api.problems import MEDIA_TYPE, Problem, of_error
from gateway.lookup.picking import Benched, NoAccount, NoSuchAccount
from providers.errors import ProviderError, RateLimited
from providers.native import NativeApi

SOON = 1.0
REFUSED = (b"x-gateway-refused", b"1")


def problem_of(error: BaseException, request_id: str) -> Problem:
    match error:
        case NoSuchAccount():
            return Problem("not_found", "The team has no such account at this provider.")
        case NoAccount():
            detail = "The team has no account at this provider: POST /v1/admin/credentials."
            return Problem("no_provider_configured", detail)
        case Benched():
            detail = f"The account at this provider is out of use: {error.reason}."
            return Problem("no_provider_available", detail, retry_after=error.seconds)
        case RateLimited(status=None):
            detail = "The account at this provider is asked as often as it may be."
            return Problem("rate_limited", detail, retry_after=error.retry_after or SOON)
        case asyncio.CancelledError():
            detail = (
                "The gateway ended before the provider had answered. It may have been charged."
            )
            return Problem("all_providers_failed", detail)
        case ProviderError():
            return Problem("all_providers_failed", _told(error))
    return of_error(error, request_id)


def _told(error: ProviderError) -> str:
    detail = f"The provider gave no answer ({error.reason})."
    return f"{detail} It may have been charged." if error.uncertain else detail


def to_body(problem: Problem, api: NativeApi, request_id: str) -> bytes:
    """The problem; it and each of its errors have the members of the provider's errors, too."""
    told = msgspec.json.decode(problem.body(request_id))
    theirs = api.refusal(problem.title, problem.detail)
    told["errors"] = [{**theirs, **fault} for fault in told["errors"]]
    return msgspec.json.encode({**theirs, **told})


def to_headers(problem: Problem, body: bytes) -> list[tuple[bytes, bytes]]:
    named = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    size = (b"content-length", str(len(body)).encode())
    return [(b"content-type", MEDIA_TYPE.encode()), size, REFUSED, *named]
