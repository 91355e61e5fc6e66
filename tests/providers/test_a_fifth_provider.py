"""A new provider is a file of its own and its name in the registry; the suite says what is left.

Everything happens in a copy of the repository, with real processes: the configuration, the
contracts of imports, the contract suite and a lookup through a gateway that serves.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
FIFTH = Path(__file__).with_name("fifth")
SUITE = "tests/providers/test_contract_of_adapters.py"
LINES = 80
KEY = "an-admin-key-of-the-fifth-provider"
# What CI would see of the change: the new file, and two lines of the registry.
REGISTERED = (
    ("from providers.hunter import Hunter", "from providers.acme import Acme\n\\g<0>"),
    (r"\(Hunter, Snov, Sixtyfour, Letrics\)", "(Hunter, Snov, Sixtyfour, Letrics, Acme)"),
)
SERVE = "from gateway.cli import main; main()"
CONFIGURED = """
import os
from pathlib import Path
from gateway.settings import SettingsError, load_settings, variables
from providers.registry import capabilities

settings = load_settings(None, os.environ)
acme = settings.providers["acme"]
assert acme.secret["api_key"].reveal() == "acme-key", acme
assert acme.base_url == "http://127.0.0.1:1", acme
assert settings.names_provider
told = {name: (meaning, default) for name, meaning, default in variables()}
assert told["ACME_API_KEY"] == ("Acme credential", "unset")
assert told["ACME_BASE_URL"] == ("Acme API root", "https://api.acme.example")
assert [row.operation for row in capabilities() if row.provider == "acme"] == ["emails.find"]
Path("gateway.toml").write_text('''
[providers.acme]
options = { depth = "bottomless" }
[routes."emails.find"]
providers = ["acme", "hunter"]
''')
try:
    load_settings(Path("gateway.toml"), {})
except SettingsError as error:
    assert "providers.acme.options.depth" in str(error) and "shallow, deep" in str(error), error
else:
    raise AssertionError("an option that the adapter does not know was taken")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with the fifth provider in it, but not its recordings."""
    copied = tmp_path_factory.mktemp("fifth") / "repository"
    unwanted = shutil.ignore_patterns("__pycache__", "test_a_fifth_provider.py")
    for name in ("gateway", "providers", "tests/recordings", "tests/providers"):
        shutil.copytree(ROOT / name, copied / name, ignore=unwanted)
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, copied / name)
    shutil.copy(FIFTH / "adapter.py", copied / "providers/acme.py")
    registry = copied / "providers/registry.py"
    text = registry.read_text()
    for line, instead in REGISTERED:
        text, found = re.subn(line, instead, text)
        assert found == 1
    registry.write_text(text)
    return copied


def run(copy: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=kept | {"PYTHONPATH": str(copy)} | environ,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_its_adapter_is_short() -> None:
    assert len((FIFTH / "adapter.py").read_text().splitlines()) <= LINES


def test_its_settings_are_there_without_a_line_for_them(copy: Path) -> None:
    environ = {"ACME_API_KEY": "acme-key", "ACME_BASE_URL": "http://127.0.0.1:1"}
    done = run(copy, "-c", CONFIGURED, **environ)
    assert done.returncode == 0, done.stderr


def test_its_imports_point_one_way_without_a_line_for_them(copy: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = run(copy, str(linter), "--no-cache", "--no-logo")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_suite_says_what_is_missing_and_passes_when_it_is_there(copy: Path) -> None:
    suite = ("-m", "pytest", "-q", "-p", "no:cacheprovider", SUITE, "-k", "acme")
    done = run(copy, *suite)
    assert done.returncode == 1, done.stdout
    assert "acme/emails.find.json is missing" in done.stdout
    assert "acme/refusals.json is missing" in done.stdout
    assert "1 passed" in done.stdout, "but for what it declares, nothing holds"
    recordings = copy / "tests/recordings/acme"
    shutil.copytree(FIFTH / "recordings", recordings)
    done = run(copy, *suite)
    assert done.returncode == 0, done.stdout
    recorded = json.loads((recordings / "emails.find.json").read_text())
    for member, complaint in (("empty", "'empty' is recorded"), ("words", "KeyError: 'words'")):
        less = {name: value for name, value in recorded.items() if name != member}
        (recordings / "emails.find.json").write_text(json.dumps(less))
        done = run(copy, *suite)
        assert done.returncode == 1
        assert complaint in done.stdout, member
    shutil.rmtree(recordings)


class Acme(BaseHTTPRequestHandler):
    """The provider itself, as far as one answer goes."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        known = self.headers["x-acme-key"] == "acme-key"
        body = json.dumps({"mail": "ada@engine.example", "quality": "good"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_told: Any) -> None: ...


@pytest.fixture
def acme() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Acme)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serving(copy: Path, acme: str, tmp_path: Path) -> Iterator[str]:
    """The address of a gateway that serves from the copy."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(copy),
        "GATEWAY_DATA_DIR": str(tmp_path / "data"),
        "GATEWAY_ADMIN_KEY": KEY,
        "ACME_API_KEY": "acme-key",
        "ACME_BASE_URL": acme,
    }
    command = [sys.executable, "-c", SERVE, "serve", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            yield announced(process.stdout)
        finally:
            process.terminate()
            process.wait(30)


def announced(output: IO[bytes]) -> str:
    for line in output:
        if found := re.search(rb"Serving on (http://\S+)", line):
            return found[1].decode()
    raise AssertionError("it ended before it served")


def test_it_answers_a_lookup_through_the_gateway(serving: str) -> None:
    query = {"first_name": "Ada", "last_name": "Lovelace", "domain": "engine.example"}
    with httpx.Client(base_url=serving, headers={"x-api-key": KEY}, timeout=20) as client:
        reply = client.post("/v1/emails/find", json=query)
        listed = client.get("/v1/providers")
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"]["email"] == "ada@engine.example"
    assert reply.json()["meta"]["cost"] == "0.02"
    assert reply.json()["meta"]["provider"] == "acme"
    assert "acme" in listed.text
