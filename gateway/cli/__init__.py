"""The `prospect` command: two servers and an HTTP client of the gateway."""

from gateway.cli.program import main

__all__ = ["main"]
