"""Start Locust processes, wait for them, and explain their failures.

Locust replaces the standard library's sockets when it is imported, so this module never imports it.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lab.errors import LabError
from lab.load.plan import PLAN, Plan, user_class
from lab.load.result import LoadResult
from lab.net.server import stop
from lab.system.interpreter import environment_with_lab
from lab.system.linux import set_parent_death_signal

OLDEST = (2, 40)
"""The oldest version of Locust that has the options used here."""

_STOP = 3.0
"""Seconds that Locust may take to end: by itself it would wait for slow readers."""
_USERS = Path(__file__).with_name("locust_users.py")


class NotOverError(LabError):
    """The load did not end in time."""


@dataclass(frozen=True)
class LocustUsers:
    """How many users there are, how they behave, and which processes run them.

    Attributes:
        count: Number of users.
        behaviours: Keys of `BEHAVIOURS` that they choose from.
        web_port: Port of Locust's web page, which then starts and stops the users; 0 for none.
        workers: Locust processes that join from outside and share the users; 0 for none.
        bind: Host and port where the master listens for workers.
        join_within: Seconds that workers may take to join.
    """

    count: int
    behaviours: Sequence[str] = ("fast",)
    web_port: int = 0
    workers: int = 0
    bind: tuple[str, int] = ("127.0.0.1", 5557)
    join_within: float = 30


def require_locust() -> None:
    """Check that Locust is installed and new enough, without importing it.

    Raises:
        LabError: It is missing or too old.
    """
    try:
        installed = version("locust")
    except PackageNotFoundError:
        raise LabError("load needs the extra `load`: pip install 'memory-lab[load]'.") from None
    numbers = re.match(r"(\d+)\.(\d+)", installed)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
        raise LabError(
            f"Locust {installed} is too old: pip install 'locust>={OLDEST[0]}.{OLDEST[1]}'."
        )


def run_load(
    host: str, plan: Plan, users: LocustUsers, out: Path, timeout: float | None
) -> LoadResult:
    """Run a load against a server and return its result.

    Writes Locust's reports, ``locust.html`` and ``locust_*.csv``, and its output, ``locust.log``.

    Args:
        host: ``http://127.0.0.1:PORT``.
        plan: What each user does.
        users: The users and the processes that run them.
        out: Folder for the reports; it is created.
        timeout: Seconds after which the load is stopped; None for no limit.

    Raises:
        NotOverError: The load did not end in time.
        LabError: A port is in use, or Locust failed.
    """
    if users.web_port:
        _check_free("127.0.0.1", users.web_port, "--web")
    if users.workers:
        _check_free(*users.bind, "--master-port")
    out.mkdir(parents=True, exist_ok=True)
    report = out / "outcome.json"
    report.unlink(missing_ok=True)
    plan_json = replace(plan, report=str(report.absolute())).as_json()
    with _locust(_arguments(host, plan, users, out), plan_json, out) as process:
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise NotOverError(f"the load did not end within {timeout:g} s: see {out}.") from None
    if not report.exists():
        raise _failure(process.returncode, users, out)
    result = LoadResult.read(report)
    report.unlink()
    return result


def run_worker(host: str, port: int, within: float, out: Path) -> None:
    """Run as a Locust worker until the master ends the test.

    Args:
        host: The master's address.
        port: The master's port.
        within: Seconds to wait for the master.
        out: Folder for ``locust.log``; it is created.

    Raises:
        LabError: No master listened in time, or Locust failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + within
    while not _listens(host, port):
        if time.monotonic() > deadline:
            raise LabError(
                f"no master at {host}:{port} within {within:g} s: start it with "
                "`lab load --master --time 60s`."
            )
        time.sleep(0.2)
    arguments = ["--worker", "--master-host", host, "--master-port", str(port)]
    with _locust([*arguments, "--exit-code-on-error", "0"], None, out) as process:
        if code := process.wait():
            raise LabError(f"Locust ended with exit code {code}: see {out}/locust.log.")


def _arguments(host: str, plan: Plan, users: LocustUsers, out: Path) -> list[str]:
    by_kind = dict.fromkeys(user_class(job.kind) for job in plan.jobs)
    classes = ["AllJobsUser"] if plan.rounds else by_kind
    folder = out.absolute()
    arguments = [
        *("--host", host, "--users", str(users.count), "--spawn-rate", str(users.count)),
        *("--csv", f"{folder}/locust", "--html", f"{folder}/locust.html"),
        *("--stop-timeout", "60", "--exit-code-on-error", "0", "--only-summary"),
    ]
    if users.web_port:
        arguments += ["--web-host", "127.0.0.1", "--web-port", str(users.web_port)]
    else:
        arguments.append("--headless")
    if users.workers:
        host, port = users.bind
        arguments += ["--master", "--master-bind-host", host, "--master-bind-port", str(port)]
        arguments += ["--expect-workers", str(users.workers)]
        arguments += ["--expect-workers-max-wait", f"{users.join_within:g}"]
    return [*arguments, "--tags", *users.behaviours, "--", *classes]


def _check_free(host: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LabError(
                f"cannot listen on port {port} of {host} ({error.strerror}): "
                f"choose another port with {option}."
            ) from None


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def _locust(
    arguments: Sequence[str], plan: str | None, out: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run Locust in its folder until the block ends, without the user's Locust settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    settings = {"PYTHONPATH": environment_with_lab()["PYTHONPATH"], "HOME": str(out.absolute())}
    environment = {**kept, **settings}
    if plan is not None:
        environment[PLAN] = plan
    with (out / "locust.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "locust", "-f", str(_USERS), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=out,
            env=environment,
            preexec_fn=set_parent_death_signal(signal.SIGKILL),  # noqa: PLW1509 - one prctl
        )
        try:
            yield process
        finally:
            stop(process, _STOP)


def _failure(code: int, users: LocustUsers, out: Path) -> LabError:
    log = (out / "locust.log").read_text(errors="replace").strip()
    if "Gave up waiting for workers" in log:
        joined = re.findall(r"(\d+) of \d+ connected", log)
        return LabError(
            f"{joined[-1] if joined else 0} of {users.workers} workers joined within "
            f"{users.join_within:g} s: start each with `lab load --worker`."
        )
    return LabError(f"Locust ended with exit code {code}: see {out}/locust.log.", log[-2_000:])
