"""Letrics: the two searches of letrics.txt (S4)."""

from __future__ import annotations

from providers.simulator.endpoints.record import Endpoint, rows_of

_row = rows_of("letrics", "S4")

# Assumed: POST with JSON; whether anything is charged is unknown. GET is accepted for clients
# that took the page's silence for it.
LETRICS: tuple[Endpoint, ...] = (
    _row("POST /contacts", "Contacts", decisive="data"),
    _row("GET /contacts", "Contacts (method assumed)", decisive="data"),
    _row("POST /companies", "Companies", decisive="data"),
    _row("GET /companies", "Companies (method assumed)", decisive="data"),
)
