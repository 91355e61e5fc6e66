"""Snov.io's API, versions 1 and 2, as its documentation and its own clients describe them."""

from providers.simulator.snov.api import Snov

__all__ = ["Snov"]
