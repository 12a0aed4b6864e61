"""The parent process of the embedded server: start it, wait until it is unused, stop it.

Run as ``python -m lab.data.postgres_supervisor FOLDER FD``. It goes into the background and closes
the file descriptor when the server is ready. It signals only its own child process. A pid from a
file is trusted only if that process is a PostgreSQL server on this data directory.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.data.embedded_postgres import Place, programs, server_account, try_lock
from lab.system.linux import set_parent_death_signal

if TYPE_CHECKING:
    import psutil

_START_TIMEOUT = 60.0
_SOCKETS = "memory-lab-pg-"

_SETTINGS = {
    "listen_addresses": "",
    # Each of many clients has a connection, and several points are measured side by side.
    "max_connections": "400",
    "unix_socket_permissions": "0700",
    # All data can be built again, so nothing has to wait for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    # No background work may start during a measurement.
    "autovacuum": "off",
    "jit": "off",
}


def main() -> None:
    """Supervise the server of the folder named on the command line."""
    where, ready_fd = Place(Path(sys.argv[1])), int(sys.argv[2])
    if os.fork():
        os._exit(0)  # the process that started the supervisor waits only for this one
    os.set_inheritable(ready_fd, False)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with where.supervised.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_stale_state(where)
        handle_stale_pid_file(where)
        create_cluster(where)
        _serve(where, ready_fd)


def _serve(where: Place, ready_fd: int) -> None:
    # The path of a Unix socket is limited to about a hundred characters.
    short = "/tmp" if os.access("/tmp", os.W_OK) else None  # noqa: S108 - created by mkdtemp
    sockets = Path(tempfile.mkdtemp(prefix=_SOCKETS, dir=short))
    server: subprocess.Popen[bytes] | None = None
    try:
        _give_to_server(sockets)
        server = _start(where, sockets)
        _wait_until_ready(server, sockets)
        _write_state(where, sockets)
        os.close(ready_fd)
        _wait_until_unused(where, server)
    finally:
        where.state.unlink(missing_ok=True)
        if server is not None:
            _stop(server)
        shutil.rmtree(sockets, ignore_errors=True)


def remove_stale_state(where: Place) -> None:
    """Remove the state file and the socket folder that a killed supervisor left behind."""
    with suppress(OSError, ValueError, KeyError):
        sockets = Path(json.loads(where.state.read_text())["sockets"])
        if sockets.name.startswith(_SOCKETS):
            shutil.rmtree(sockets, ignore_errors=True)
    where.state.unlink(missing_ok=True)


def handle_stale_pid_file(where: Place) -> None:
    """Stop an orphaned server on this data directory, or remove its pid file.

    If the file names a server on this data directory, whose supervisor was killed, that server is
    stopped. If it names another living process, the file is removed, because PostgreSQL would
    refuse to start. If it names no living process, PostgreSQL replaces it.
    """
    import psutil

    pid_file = where.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        process = psutil.Process(pid)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return
    if is_server_on(process, where.data):
        process.send_signal(signal.SIGINT)
        with suppress(psutil.TimeoutExpired):
            process.wait(20)
    else:
        pid_file.unlink(missing_ok=True)


def is_server_on(process: "psutil.Process", data: Path) -> bool:
    """Return whether a process is a PostgreSQL server on a data directory.

    The command line is checked as well as the working folder, which the system may hide for a
    process of another account.
    """
    import psutil

    try:
        if not process.name().startswith("postgres"):
            return False
        return str(data) in process.cmdline() or Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def create_cluster(where: Place) -> None:
    """Create the data directory if it is missing; an interrupted attempt leaves nothing."""
    if (where.data / "PG_VERSION").exists():
        return
    # The folder has the lab's marker, so an incomplete data directory in it is the lab's too.
    shutil.rmtree(where.data, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix="cluster-", dir=where.folder))
    _give_to_server(unfinished)
    try:
        _run_initdb(unfinished)
        unfinished.rename(where.data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_initdb(target: Path) -> None:
    options = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--username=postgres", "--no-sync")
    command: list[str] = [str(programs() / "initdb"), "-D", str(target), *options]
    code = subprocess.run(command, check=False, **_as_server(target)).returncode
    if code:
        sys.exit(f"initdb ended with exit code {code}")


def _start(where: Place, sockets: Path) -> "subprocess.Popen[bytes]":
    settings = {**_SETTINGS, "unix_socket_directories": str(sockets)}
    switches = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return subprocess.Popen(
        [str(programs() / "postgres"), "-D", str(where.data), *switches],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=set_parent_death_signal(signal.SIGINT),  # noqa: PLW1509 - no threads here
        **_as_server(where.data),
    )


def _as_server(folder: Path) -> dict[str, Any]:
    """Return arguments of Popen for a program under the server's account, in ``folder``."""
    environment = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}
    account = server_account()
    if account is None:
        return {"cwd": folder, "env": environment}
    return {"cwd": folder, "env": environment, "user": account, "extra_groups": []}


def _give_to_server(folder: Path) -> None:
    account = server_account()
    if account is not None:
        shutil.chown(folder, account)


def _wait_until_ready(server: "subprocess.Popen[bytes]", sockets: Path) -> None:
    check = [str(programs() / "pg_isready"), "--quiet", "--host", str(sockets)]
    deadline = time.monotonic() + _START_TIMEOUT
    while subprocess.run(check, check=False).returncode != 0:
        if server.poll() is not None:
            sys.exit(f"postgres ended with exit code {server.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"postgres was not ready after {_START_TIMEOUT:g} s")
        time.sleep(0.02)


def _write_state(where: Place, sockets: Path) -> None:
    url = f"postgresql+psycopg2://postgres@/postgres?host={sockets}"
    unfinished = where.state.with_suffix(".new")
    unfinished.write_text(json.dumps({"url": url, "sockets": str(sockets)}))
    unfinished.replace(where.state)


def _wait_until_unused(where: Place, server: "subprocess.Popen[bytes]") -> None:
    with where.users.open("a+") as users:
        while server.poll() is None:
            if try_lock(users):
                # New users now wait until this process has ended, then start another server.
                _stop(server)
                where.state.unlink(missing_ok=True)
                return
            time.sleep(0.1)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server by a fast shutdown, then by stronger signals if that takes too long."""
    for stop_signal, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if server.poll() is not None:
            return
        server.send_signal(stop_signal)
        with suppress(subprocess.TimeoutExpired):
            server.wait(seconds)


if __name__ == "__main__":
    main()
