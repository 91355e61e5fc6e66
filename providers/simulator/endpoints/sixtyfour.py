"""Sixtyfour: the e-mail finder of sixtyfour.txt (S3) and the signing of its webhooks."""

from __future__ import annotations

from typing import Any

from providers.simulator.endpoints.record import Endpoint, rows_of

_row = rows_of("sixtyfour", "")
_CENTS: dict[str, Any] = {
    "meter": "cents",
    "charge": "5 per professional and 20 per personal address found, each lead of a batch",
}

SIXTYFOUR: tuple[Endpoint, ...] = (
    _row("POST /find-email", "S3 Sync usage", decisive="email", word="email", **_CENTS),
    _row(
        "POST /find-email-async", "S3 Async pattern", decisive="task_id", word="status",
        delayed=True, **_CENTS,
    ),
    _row("POST /find-email-bulk", "S3 Bulk sync", decisive="email", word="email", **_CENTS),
    _row(
        "POST /find-email-bulk-async", "S3 Bulk async", decisive="task_id", word="status",
        delayed=True, **_CENTS,
    ),
    _row(
        "GET /job-status/{task_id}", "S3 Polling example", decisive="status", word="status",
        delayed=True,
    ),
    _row(
        "GET /webhooks/signing-secret", "64-oas signing secret", decisive="preview",
        word="status", secret=True,
    ),
    _row(
        "POST /webhooks/signing-secret", "64-oas signing secret", decisive="plaintext",
        word="status", status=201, secret=True,
    ),
    _row("DELETE /webhooks/signing-secret", "64-oas signing secret", status=204, secret=True),
    _row(
        "POST /webhooks/signing-secret/roll", "64-oas signing secret", decisive="plaintext",
        word="status", secret=True,
    ),
)  # fmt: skip
