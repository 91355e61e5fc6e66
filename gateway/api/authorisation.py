"""May this key do this? Decided by the matched route, never by a path."""

from __future__ import annotations

from typing import Any

from litestar import Request

from gateway.api.problems import Problem


async def authorise(request: Request[Any, Any, Any]) -> None:
    """Litestar's hook before each handler; raises 403 unless the key has the route's scope.

    A route's `opt["scope"]` is a scope, several of which one suffices, None for any key, or
    "open" for no key at all. A route that says nothing is none of ours, and is not there.
    """
    scope: Any = request.scope
    opt = request.route_handler.opt
    if "scope" not in opt:
        raise Problem("not_found", "There is nothing at this address.")
    wanted = opt["scope"]
    if wanted is None or wanted == "open":
        return
    if wanted == "lookup" and "head" in scope:
        # It would buy an answer and then leave it out.
        raise Problem("method_not_allowed", "This address does not take this method.")
    held = scope["caller"].scopes
    needed = (wanted,) if isinstance(wanted, str) else wanted
    if not held.intersection(needed):
        names = " or ".join(needed)
        raise Problem("forbidden", f"This needs a key with the scope {names}.")
