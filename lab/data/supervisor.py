"""The embedded server's parent: starts it, waits until nobody uses it, stops it.

Run as ``python -m lab.data.supervisor FOLDER FD``; it goes into the background at once, and closes
the file descriptor when the server is ready. It ends only its own child, by the pid that it was
given when it started it. A pid that stands in a file is believed only after the process has been
seen to be a PostgreSQL that works in our very data directory.
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

from lab.data.embedded import Place, programs, server_account, try_lock
from lab.linux import sent_when_parent_ends

if TYPE_CHECKING:
    import psutil

_START_TIMEOUT = 60.0
_SOCKETS = "memory-lab-pg-"

_SETTINGS = {
    "listen_addresses": "",
    # Crowds of clients have a connection each, and several crowds are measured side by side.
    "max_connections": "400",
    "unix_socket_permissions": "0700",
    # All of the data can be made again, so nothing waits for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    # Nothing may start working in the middle of a measurement.
    "autovacuum": "off",
    "jit": "off",
}


def main() -> None:
    """Supervise the server of the folder named on the command line."""
    where, tell = Place(Path(sys.argv[1])), int(sys.argv[2])
    if os.fork():
        os._exit(0)  # whoever started us need not wait for our end
    os.set_inheritable(tell, False)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with where.supervised.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        forget_the_last_one(where)
        clear_the_way(where)
        make_cluster(where)
        _serve(where, tell)


def _serve(where: Place, tell: int) -> None:
    # A socket's path may have about a hundred characters, so it lives in a short folder.
    short = "/tmp" if os.access("/tmp", os.W_OK) else None  # noqa: S108 - made there by mkdtemp
    sockets = Path(tempfile.mkdtemp(prefix=_SOCKETS, dir=short))
    server: subprocess.Popen[bytes] | None = None
    try:
        _give_to_server(sockets)
        server = _start(where, sockets)
        _wait_until_ready(server, sockets)
        _write_state(where, sockets)
        os.close(tell)
        _wait_until_unused(where, server)
    finally:
        where.state.unlink(missing_ok=True)
        if server is not None:
            _stop(server)
        shutil.rmtree(sockets, ignore_errors=True)


def forget_the_last_one(where: Place) -> None:
    """Remove what a killed supervisor left: its state, and the folder of its server's socket."""
    with suppress(OSError, ValueError, KeyError):
        left = Path(json.loads(where.state.read_text())["sockets"])
        if left.name.startswith(_SOCKETS):
            shutil.rmtree(left, ignore_errors=True)
    where.state.unlink(missing_ok=True)


def clear_the_way(where: Place) -> None:
    """Deal with a pid file that is left from before.

    A server of ours whose supervisor was killed is stopped. A file that names a living process
    which is not our server is removed: PostgreSQL would refuse to start beside it. A file that
    names no living process is left to PostgreSQL, which knows what to do.
    """
    import psutil

    pid_file = where.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        process = psutil.Process(pid)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return
    if works_in(process, where.data):
        process.send_signal(signal.SIGINT)
        with suppress(psutil.TimeoutExpired):
            process.wait(20)
    else:
        pid_file.unlink(missing_ok=True)


def works_in(process: "psutil.Process", data: Path) -> bool:
    """Tell whether a process is a PostgreSQL server working in a data directory.

    Where the system does not let us see the folder of another account's process, its command line
    tells.
    """
    import psutil

    try:
        if not process.name().startswith("postgres"):
            return False
        return str(data) in process.cmdline() or Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def make_cluster(where: Place) -> None:
    """Make the data directory if there is none, in one step: a broken attempt leaves nothing."""
    if (where.data / "PG_VERSION").exists():
        return
    # The whole folder bears the lab's mark, so what is there is the lab's, and of no use.
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
        preexec_fn=sent_when_parent_ends(signal.SIGINT),  # noqa: PLW1509 - there are no threads
        **_as_server(where.data),
    )


def _as_server(folder: Path) -> dict[str, Any]:
    """Arguments that start a program under the server's account, in a folder it may enter."""
    plain = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}
    account = server_account()
    if account is None:
        return {"cwd": folder, "env": plain}
    return {"cwd": folder, "env": plain, "user": account, "extra_groups": []}


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
                # From here on newcomers wait for this process to end, and then start anew.
                _stop(server)
                where.state.unlink(missing_ok=True)
                return
            time.sleep(0.1)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server: fast, and if that takes too long, at once."""
    for how, patience in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        if server.poll() is not None:
            return
        server.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            server.wait(patience)


if __name__ == "__main__":
    main()
