"""Whether a request says one thing to whoever reads it: what it costs hangs on that."""

from __future__ import annotations

from gateway.api.native.contents import FORM, Contents
from gateway.api.problems import Problem
from providers.native import NativePath

READ = f"application/json, {FORM} or multipart/form-data"


def check_reading(row: NativePath | None, contents: Contents) -> None:
    """Raise Problem if a call that costs, or tells what one cost, may be read in two ways."""
    if row is None or not (row.unit or row.reads):
        return
    if contents.unread and row.method != "GET":
        detail = f"This body can't be read as it is declared; send {READ} that is one."
        raise Problem("unsupported_media_type", detail)
    if contents.twofold:
        names = ", ".join(sorted(contents.twofold))
        detail = f"{names}: the query and the body give different values; send one of them."
        raise Problem("malformed_request", detail)
