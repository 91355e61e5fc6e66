"""What `prospect serve` says once it serves."""

from __future__ import annotations

import shlex
import sys

from gateway.settings import PROVIDERS, Settings
from gateway.settings.accounts import secret_keys, variable_of
from gateway.supervisor.preparation import admin_key_file
from providers.simulator.accounts import DEFAULT_KEYS

# The simulated world knows these for certain.
SHOWCASE = '{"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}'


def announce(settings: Settings, host: str, port: int) -> None:
    """Where it serves, in which mode, and a line to paste."""
    sys.stdout.write(banner(settings, host, port))
    sys.stdout.flush()


def banner(settings: Settings, host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    lines = [f"Serving on {url}  (API: {url}/docs)"]
    if settings.sandbox:
        lines += [
            f"Sandbox mode: all {_count()} providers are simulated, nothing is bought.",
            f"Set {_credentials()} for real ones.",
        ]
    lines += ["", "Try it:", "", _curl(settings, url), ""]
    return "\n".join(lines) + "\n"


def _count() -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    simulated = len(DEFAULT_KEYS.keys() & set(PROVIDERS))
    return words[simulated] if simulated < len(words) else str(simulated)


def _credentials() -> str:
    """The variables of each provider, those of one account joined."""
    told = [" + ".join(variable_of(name, key) for key in secret_keys(name)) for name in PROVIDERS]
    return f"{', '.join(told[:-1])} or {told[-1]}"


def _curl(settings: Settings, url: str) -> str:
    """Free either way: a simulated lookup, or with real providers a look at what they offer."""
    header = f'-H "Authorization: Bearer {_key(settings)}"'
    if not settings.sandbox:
        return f"curl -s {header} {url}/v1/providers"
    return (
        f"curl -s {header} -H 'Content-Type: application/json' "
        f"-d {shlex.quote(SHOWCASE)} {url}/v1/emails/find"
    )


def _key(settings: Settings) -> str:
    """Where the key is, never the key itself."""
    path = admin_key_file(settings)
    key = settings.admin_key
    if key is not None and path.exists() and path.read_text().strip() == key.reveal():
        return f"$(cat {shlex.quote(str(path.resolve()))})"
    return "$GATEWAY_ADMIN_KEY"
