"""Build .venv from uv.lock with this interpreter alone, and heal what an interruption left."""

import fcntl
import hashlib
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

UV = "0.13.9"
# Debian's python3 has neither pip nor ensurepip; pip runs from inside its own wheel.
PIP_WHEEL = (
    "https://files.pythonhosted.org/packages/07/25/"
    "ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337/pip-26.3-py3-none-any.whl"
)
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"

VENV = Path.cwd() / ".venv"
PYTHON = VENV / "bin/python"
PLACE = VENV / ".place"
UNFINISHED = VENV / ".unfinished"
LEVELS = ("uv", "runtime", "dev")  # each holds the ones before it
# Inexact: serving must not take the tests' packages away, nor either of them uv.
SYNC = {"runtime": ["--inexact", "--no-dev"], "dev": ["--inexact"]}


def main(want: str) -> None:
    """Bring .venv to `want` (one of LEVELS) and leave the stamps that make looks at."""
    with Path(__file__).open() as turn:
        take(turn)
        build(want)


def take(turn: TextIO) -> None:
    """One set-up at a time; the lock ends with the process that holds it."""
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another make that is setting up .venv")
        fcntl.flock(turn, fcntl.LOCK_EX)


def build(want: str) -> None:
    stand_environment()
    stand_uv()
    if want != "uv":
        synchronise(SYNC[want])
    for level in LEVELS[: LEVELS.index(want) + 1]:
        (VENV / f".{level}").touch()


def stand_environment() -> None:
    """Keep an environment that answers from where it was built; else build it anew."""
    moved = PLACE.exists() and PLACE.read_text() != str(VENV)
    if moved or not answers(PYTHON, "-c", "import sys; sys.exit(sys.prefix == sys.base_prefix)"):
        say(f"building .venv with Python {sys.version.split()[0]}")
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
    PLACE.write_text(str(VENV))


def stand_uv() -> None:
    if answers(VENV / "bin/uv", "--version", begins=f"uv {UV}"):
        return
    with TemporaryDirectory() as scratch:
        run(*pip(Path(scratch)), "install", "--quiet", "--force-reinstall", f"uv=={UV}")


def pip(scratch: Path) -> list[str | Path]:
    """The first pip that can serve .venv: this interpreter's, ensurepip's, a downloaded one."""
    own: list[str | Path] = [sys.executable, "-m", "pip", "--python", PYTHON]
    if answers(*own, "--version"):
        return own
    if answers(PYTHON, "-m", "ensurepip"):
        return [PYTHON, "-m", "pip"]
    return [PYTHON, download_pip(scratch) / "pip"]


def download_pip(scratch: Path) -> Path:
    wheel = scratch / PIP_WHEEL.rpartition("/")[2]
    try:
        with urllib.request.urlopen(PIP_WHEEL, timeout=60) as reply:
            wheel.write_bytes(reply.read())
    except OSError as error:
        stop(
            f"this Python has neither pip nor ensurepip, and fetching pip failed ({error}).\n"
            "  Install one of them (Debian, Ubuntu: apt install python3-venv) and run make again."
        )
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != PIP_SHA256:
        stop(f"{PIP_WHEEL} is not the file it was: nothing was installed.")
    return wheel


def synchronise(options: list[str]) -> None:
    """Install what the lock names; after an interruption everything again, as any may be torn."""
    repair = ["--reinstall"] if UNFINISHED.exists() else []
    UNFINISHED.touch()
    say("installing the packages of uv.lock into .venv")
    run(VENV / "bin/uv", "sync", "--frozen", "--quiet", *options, *repair)
    UNFINISHED.unlink()


def answers(*command: str | Path, begins: str = "") -> bool:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=surroundings()
        )
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.startswith(begins)


def run(*command: str | Path) -> None:
    if subprocess.run(command, check=False, env=surroundings()).returncode:
        stop(f"failed: {' '.join(map(str, command))}\n  Mend what it says above, run make again.")


def surroundings() -> dict[str, str]:
    """The environment less what points elsewhere; caches move into .venv without a usable HOME."""
    elsewhere = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in elsewhere}
    home = kept.get("HOME", "")
    if not (home and os.access(home, os.W_OK)):
        kept = {"UV_CACHE_DIR": f"{VENV}/.cache/uv", "PIP_CACHE_DIR": f"{VENV}/.cache/pip"} | kept
    return kept | {"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}


def say(what: str) -> None:
    print(f"make: {what}", file=sys.stderr)


def stop(why: str) -> None:
    say(why)
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
