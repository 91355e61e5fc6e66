"""Sixtyfour."""

from providers.sixtyfour.adapter import Sixtyfour
from providers.sixtyfour.notices import READER

__all__ = ["READER", "Sixtyfour"]
