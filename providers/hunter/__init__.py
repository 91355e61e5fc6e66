"""Hunter."""

from providers.hunter.adapter import Hunter

__all__ = ["Hunter"]
