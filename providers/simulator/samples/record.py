"""What a sample is, and whom all of them ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

DOMAIN = "blue-harbor.example"
EMAIL = f"ada.lovelace@{DOMAIN}"
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"
NEWCOMER = "grace.hopper@new-lead.example"
SECRET = {
    "grant_type": "client_credentials",
    "client_id": "sim-snov-client",
    "client_secret": "sim-snov-secret",
}


class Sample(NamedTuple):
    """`take` fills parts of the path, or of the query, from the reply to the endpoint `after`.

    A taken value that is a URL counts by its last segment.
    """

    query: Mapping[str, Any] = {}
    body: Any = None
    segments: Mapping[str, object] = {}
    after: str | None = None
    take: Mapping[str, str] = {}
