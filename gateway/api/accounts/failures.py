"""What a provider says of a call for an account object, as the caller will read it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.api.problems import RETRY_SOON, Fault, Problem, of_error
from gateway.lookup.attempts import attempt
from gateway.lookup.endings import HeldBack, Objected
from providers.accounts.base import ACTIONS
from providers.accounts.refusals import Clash, Complaint, Lacking, Missing, Refused
from providers.errors import ProviderError, RateLimited, Suppressed

UNKNOWN_END = (
    " The request may have been carried out: no readable reply tells. It was not sent again; look"
    " before you repeat it."
)


def lacking(provider: str, action: str) -> Problem:
    """The provider has no such thing at all."""
    what = action.replace("_", "-").replace(".", " ")
    detail = f"{provider} has no call for {what}."
    return Problem("unsupported", detail, faults=[Fault("unsupported", 422, detail)])


def held_back(back: HeldBack, provider: str, action: str) -> Problem:
    """As of a lookup whose only step was skipped."""
    attempts = [attempt(provider, action, "skipped", reason=back.reason)]
    detail = f"{provider} can't be asked at the moment: {back.reason}."
    return Problem("no_provider_available", detail, retry_after=back.seconds, attempts=attempts)


def to_problem(
    error: ProviderError, provider: str, action: str, *, known: Collection[str], elapsed: float
) -> Problem:
    """`known` are the members that the caller may send; `elapsed` is in seconds."""
    names = ACTIONS[action].names
    match error:
        case Missing() if names == "path":
            return Problem("not_found", f"{provider}: {error.detail}")
        case Missing() if names == "input":
            return _refused(provider, [error.complaint], known)
        case Refused():
            return _refused(provider, error.complaints, known)
        case Clash():
            return Problem("conflict", f"{provider}: {error.detail}.")
        case Lacking():
            fault = Fault("unsupported", 422, error.detail, error.pointer)
            detail = f"{error.pointer}: {error.detail}."
            return Problem("unsupported", detail, faults=[fault])
        case Suppressed():
            return of_error(Objected())
    return _failed(error, provider, action, elapsed)


def _refused(provider: str, complaints: Sequence[Complaint], known: Collection[str]) -> Problem:
    faults = [
        Fault("invalid_query", 422, complaint.details, _place(complaint, known) or None)
        for complaint in complaints
    ]
    return Problem("invalid_query", f"{provider} refuses it: {faults[0].details}", faults=faults)


def _place(complaint: Complaint, known: Collection[str]) -> str:
    """The first pointer to a member that there is; '' if there is none."""
    pointers = (complaint.pointer, *complaint.others)
    return next((found for pointer in pointers if (found := _placed(pointer, known))), "")


def _placed(pointer: str, known: Collection[str]) -> str:
    """`/list_id` of a filter is `/list_ids` of a draft."""
    name = pointer[1:].partition("/")[0]
    if name in known:
        return pointer
    other = f"{name}s" if f"{name}s" in known else name.removesuffix("s")
    return f"/{other}" if other in known else ""


def _failed(error: ProviderError, provider: str, action: str, elapsed: float) -> Problem:
    """As of a lookup that asked nobody else."""
    attempts = [attempt(provider, action, "failed", elapsed=elapsed, reason=error.reason)]
    detail = f"{provider} gave no clean answer: {error.reason}."
    if isinstance(error, RateLimited):
        wait = error.retry_after or RETRY_SOON
        return Problem("no_provider_available", detail, retry_after=wait, attempts=attempts)
    if error.uncertain and ACTIONS[action].writes:
        detail += UNKNOWN_END
    return Problem("all_providers_failed", detail, attempts=attempts)
