"""Pages of what the gateway itself holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from litestar.params import QueryParameter
from msgspec import UNSET, Struct, UnsetType

from gateway.api.cursors import Cursor, Cursors, expiry
from gateway.api.problems import Problem
from gateway.lookup.lookup import Caller

T = TypeVar("T")
Limit = Annotated[int, QueryParameter(ge=1, le=100, required=False)]
CursorParam = Annotated[str | None, QueryParameter(max_length=4096, required=False)]


class ListMeta(Struct, kw_only=True):
    """`next_cursor` is null at the end; `sandbox` is there only if true."""

    request_id: str
    next_cursor: str | None
    total: int | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET


class ReplyMeta(Struct, kw_only=True, omit_defaults=True):
    """`notice` says what else a person should know; `sandbox` is there only if true."""

    request_id: str
    notice: str | None = None
    sandbox: bool = False


class Pager:
    """Cuts lists into pages; its cursors are bound to the team and the list."""

    def __init__(self, cursors: Cursors):
        self._cursors = cursors

    def cut(
        self, items: Sequence[T], caller: Caller, name: str, limit: int, cursor: str | None
    ) -> tuple[list[T], str | None]:
        """One page and the cursor of the next. Raises QueryError."""
        offset = self.offset(caller, name, cursor)
        page = list(items[offset : offset + limit])
        more = offset + limit < len(items)
        return page, self.next(caller, name, offset + limit) if more else None

    def offset(self, caller: Caller, name: str, cursor: str | None) -> int:
        if cursor is None:
            return 0
        found = self._cursors.read(cursor, team=caller.team, operation=name, query="")
        return int(found.after)

    def next(self, caller: Caller, name: str, offset: int) -> str:
        return self._cursors.make(Cursor(caller.team, name, "", "", "", str(offset), expiry()))


def caller_of(scope: Any) -> Caller:
    found: Caller = scope["caller"]
    return found


def missing(kind: str) -> Problem:
    """404, also for what belongs to another team."""
    return Problem("not_found", f"There is no such {kind}.")
