"""Which gateway a command talks to, with which key, and how the answer is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from gateway.cli.client import Gateway

DEFAULT_URL = "http://127.0.0.1:8080"
WRONG_URL = "--url / PROSPECT_URL: expected http://HOST[:PORT] or https://…"
T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """Filled by the options, root's first, the command's own over them."""

    url: str = DEFAULT_URL
    key: str | None = field(default=None, repr=False)
    as_json: bool = False
    wait: int | None = None
    tag: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    routing: dict[str, Any] = field(default_factory=dict)
    pending: str | None = None

    def run(self, work: Callable[[Gateway], Awaitable[T]], *, connections: int = 1) -> T:
        """Do `work` against the gateway; imports the HTTP client only now, `--help` is quick."""
        import asyncio

        from gateway.cli.client import Gateway

        key, hint = self.find_key()

        async def connect() -> T:
            async with Gateway(
                to_url(self.url), key, hint=hint, wait=self.wait, connections=connections
            ) as gateway:
                return await work(gateway)

        return asyncio.run(connect())

    def find_key(self) -> tuple[str | None, str]:
        """The key, or none and where it was looked for."""
        if self.key:
            return checked(self.key.strip(), "--key / PROSPECT_KEY"), ""
        path = data_dir() / "admin.key"
        try:
            return checked(path.read_text(encoding="utf-8").strip(), str(path)), ""
        except (OSError, UnicodeDecodeError):
            return None, f"no key was sent: give --key, set PROSPECT_KEY, or make {path} readable"

    @property
    def piped(self) -> bool:
        """JSON is wanted: asked for, or nobody is looking."""
        return self.as_json or not sys.stdout.isatty()


def data_dir() -> Path:
    """The gateway's, as it finds it itself: the variable, its TOML file, ./data."""
    if named := os.environ.get("GATEWAY_DATA_DIR"):
        return Path(os.path.expanduser(named))
    import tomllib

    config = os.environ.get("GATEWAY_CONFIG")
    path = Path(config or "gateway.toml")
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("data_dir", "data")
    except FileNotFoundError:
        if config:
            raise click.UsageError(f"{path}: no such file (from GATEWAY_CONFIG)") from None
        return Path("data")
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"{path}: not TOML: {error}") from None
    if not isinstance(found, str) or not found:
        raise click.UsageError(f"data_dir ({path}): {found!r} is not the path of a directory")
    return Path(os.path.expanduser(found))


def checked(key: str, origin: str) -> str:
    """Refused before an HTTP library can quote it in an error."""
    if not key.isascii() or not key.isprintable():
        raise click.UsageError(f"{origin}: a key has only printable ASCII characters")
    return key


def to_url(url: str) -> str:
    """Refuses what would put a password on screen or fail later with a worse message."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise click.UsageError(WRONG_URL) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise click.UsageError(WRONG_URL)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise click.UsageError(
            "--url / PROSPECT_URL: no credentials, query or fragment; use --key"
        )
    return url.rstrip("/")


pass_session = click.make_pass_decorator(Session, ensure=True)
