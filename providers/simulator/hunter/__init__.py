"""Hunter's API, version 2, as its documentation describes it."""

from providers.simulator.hunter.api import Hunter

__all__ = ["Hunter"]
