"""May this key do this? Decided by the matched route, never by a path."""

from __future__ import annotations

from typing import Any

from litestar import Request

from gateway.api.problems import Problem


async def authorise(request: Request[Any, Any, Any]) -> None:
    """Litestar's hook before each handler; raises 403 unless the key has the route's scope.

    A route's `opt["scope"]` is a scope, several of which one suffices, None for any key, or
    "open" for no key at all.
    """
    scope: Any = request.scope
    wanted = request.route_handler.opt["scope"]
    if wanted is None or wanted == "open":
        return
    held = scope["caller"].scopes
    needed = (wanted,) if isinstance(wanted, str) else wanted
    if not held.intersection(needed):
        names = " or ".join(needed)
        raise Problem("forbidden", f"This needs a key with the scope {names}.")
