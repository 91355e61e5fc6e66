"""Sixtyfour's e-mail finder, as its documentation describes it."""

from providers.simulator.sixtyfour.api import Sixtyfour

__all__ = ["Sixtyfour"]
