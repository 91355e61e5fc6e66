"""Every endpoint that is simulated, with the document that describes it."""

from __future__ import annotations

from collections.abc import Mapping

from providers.simulator.endpoints.hunter import HUNTER
from providers.simulator.endpoints.letrics import LETRICS
from providers.simulator.endpoints.record import Endpoint
from providers.simulator.endpoints.sixtyfour import SIXTYFOUR
from providers.simulator.endpoints.snov import SNOV

ENDPOINTS: tuple[Endpoint, ...] = (*HUNTER, *SNOV, *SIXTYFOUR, *LETRICS)
BY_PROVIDER: Mapping[str, tuple[Endpoint, ...]] = {
    "hunter": HUNTER,
    "snov": SNOV,
    "sixtyfour": SIXTYFOUR,
    "letrics": LETRICS,
}

__all__ = ["BY_PROVIDER", "ENDPOINTS", "Endpoint"]
