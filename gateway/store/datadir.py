"""Who owns a data directory, and where the store in it listens."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from hashlib import sha256
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included.
LONGEST_SOCKET = 100


class DataDirInUse(Exception):
    """Another gateway works in this data directory."""


class DataDirUnusable(Exception):
    """The data directory cannot be created, read or written."""


def prepare(data_dir: Path) -> None:
    """Create the directory and the store's own inside it, for this user only."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = data_dir / "store"
        store.mkdir(mode=0o700, exist_ok=True)
        store.chmod(0o700)
        (store / "store.log").touch(mode=0o600)
    except OSError as error:
        raise unusable(data_dir, error) from None


def unusable(data_dir: Path, error: OSError) -> DataDirUnusable:
    return DataDirUnusable(
        f"the data directory {data_dir} cannot be used ({error}); "
        "make it a directory this user may read and write, or set GATEWAY_DATA_DIR to another"
    )


def lock(path: Path) -> int:
    """An open descriptor that holds the lock for as long as it stays open.

    Raises BlockingIOError if another process holds it. The kernel frees it with its last
    holder, so nothing has to be cleaned up after a kill.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def own(data_dir: Path) -> int:
    """Take the directory for this process; DataDirInUse names who has it."""
    path = data_dir / "lock"
    try:
        descriptor = lock(path)
    except BlockingIOError:
        owner = path.read_text().strip() or "unknown"
        raise DataDirInUse(
            f"the data directory {data_dir} is in use by process {owner}; "
            "stop that one, or set GATEWAY_DATA_DIR to another directory"
        ) from None
    except OSError as error:
        raise unusable(data_dir, error) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def choose_socket(data_dir: Path) -> Path:
    """Where the store shall listen, written down so that other processes find it."""
    path = data_dir / "store" / "store.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        path = _short_folder(data_dir) / "store.sock"
    try:
        (data_dir / "store" / "socket").write_text(f"{data_dir}\n{path}\n", encoding="utf-8")
    except OSError as error:
        raise unusable(data_dir, error) from None
    return path


def read_socket(data_dir: Path) -> Path | None:
    """Where the store of this directory listens, or did when it last ran."""
    try:
        lines = (data_dir / "store" / "socket").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    # A copied directory still names the original's socket.
    return Path(lines[1]) if len(lines) == 2 and lines[0] == str(data_dir) else None


def forget_socket(data_dir: Path, path: Path) -> None:
    """Leave no trace of a store that has stopped."""
    (data_dir / "store" / "socket").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    if path.parent != data_dir / "store":
        path.parent.rmdir()


def _short_folder(data_dir: Path) -> Path:
    """A directory of ours with a short path; another user may have taken the usual name."""
    base = min(tempfile.gettempdir(), "/tmp", key=len)  # noqa: S108 - checked to be private
    digest = sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = Path(base) / f"pgw-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder if _is_private(folder) else Path(tempfile.mkdtemp(prefix="pgw-", dir=base))


def _is_private(folder: Path) -> bool:
    status = folder.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o077
    )
