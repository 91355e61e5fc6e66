"""Snov.io."""

from providers.snov.adapter import Snov

__all__ = ["Snov"]
