"""Locust as processes of their own: start them, wait for them, and say plainly what went wrong.

Locust replaces the standard library's sockets when it is imported, so nothing here imports it.
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
from lab.interpreter import environment_with_lab
from lab.linux import sent_when_parent_ends
from lab.load.job import PLAN, Plan
from lab.load.outcome import Outcome
from lab.server import stop

OLDEST = (2, 40)
"""Of Locust's versions, the oldest that has what is needed here."""

KINDS = {
    "export": "Exporter",
    "download": "Downloader",
    "upload": "Uploader",
    "aggregate": "Counter",
    "request": "Asker",
}
"""Kinds of jobs, and the users in `lab.load.users` who have them."""

_STOP = 3.0
"""Seconds that Locust may take to end: it would wait for slow readers."""
_USERS = Path(__file__).with_name("users.py")


class NotOverError(LabError):
    """The load was not over in time."""


@dataclass(frozen=True)
class Crowd:
    """How many users there are, and who plays them.

    Attributes:
        users: How many.
        manners: ``fast``, ``slow``, ``hanging-up``: those that they may take.
        web_port: The port of Locust's page, on which somebody else starts and stops them; 0: none.
        workers: Locust processes that share the users, and that join from outside; 0 for none.
        bind: Where workers are waited for.
        join_within: Seconds that they may take to join.
    """

    users: int
    manners: Sequence[str] = ("fast",)
    web_port: int = 0
    workers: int = 0
    bind: tuple[str, int] = ("127.0.0.1", 5557)
    join_within: float = 30


def require_locust() -> None:
    """Check that there is a Locust, and that it is not too old; it is not imported.

    Raises:
        LabError: There is none, or it is too old.
    """
    try:
        found = version("locust")
    except PackageNotFoundError:
        raise LabError("load needs the extra `load`: pip install 'memory-lab[load]'.") from None
    numbers = re.match(r"(\d+)\.(\d+)", found)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
        raise LabError(
            f"Locust {found} lacks what is needed: pip install 'locust>={OLDEST[0]}.{OLDEST[1]}'."
        )


def put_load(host: str, plan: Plan, crowd: Crowd, out: Path, timeout: float | None) -> Outcome:
    """Put a load on a server and return what came of it.

    Locust's own reports are written as ``locust.html`` and ``locust_*.csv``, what it says as
    ``locust.log``.

    Args:
        host: ``http://127.0.0.1:PORT``.
        plan: What each user does.
        crowd: How many users, and who plays them.
        out: A folder, which is made.
        timeout: Seconds after which the load is ended.

    Raises:
        LabError: A port is taken, Locust could not do it, or was not done in time.
    """
    if crowd.web_port:
        _check_free("127.0.0.1", crowd.web_port, "--web")
    if crowd.workers:
        _check_free(*crowd.bind, "--master-port")
    out.mkdir(parents=True, exist_ok=True)
    report = out / "outcome.json"
    report.unlink(missing_ok=True)
    told = replace(plan, report=str(report.absolute())).as_json()
    with _locust(_arguments(host, plan, crowd, out), told, out) as process:
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise NotOverError(f"the load was not over after {timeout:g} s: see {out}.") from None
    if not report.exists():
        raise _gave_up(process.returncode, crowd, out)
    outcome = Outcome.read(report)
    report.unlink()
    return outcome


def work_for(host: str, port: int, within: float, out: Path) -> None:
    """Be a worker of a master's, until it has no more to do.

    Raises:
        LabError: There was no master within so many seconds, or Locust could not work for it.
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


def _arguments(host: str, plan: Plan, crowd: Crowd, out: Path) -> list[str]:
    kinds = ["Everybody"] if plan.rounds else dict.fromkeys(KINDS[job.kind] for job in plan.jobs)
    where = out.absolute()
    given = [
        *("--host", host, "--users", str(crowd.users), "--spawn-rate", str(crowd.users)),
        *("--csv", f"{where}/locust", "--html", f"{where}/locust.html"),
        *("--stop-timeout", "60", "--exit-code-on-error", "0", "--only-summary"),
    ]
    if crowd.web_port:
        given += ["--web-host", "127.0.0.1", "--web-port", str(crowd.web_port)]
    else:
        given.append("--headless")
    if crowd.workers:
        host, port = crowd.bind
        given += ["--master", "--master-bind-host", host, "--master-bind-port", str(port)]
        given += ["--expect-workers", str(crowd.workers)]
        given += ["--expect-workers-max-wait", f"{crowd.join_within:g}"]
    return [*given, "--tags", *crowd.manners, "--", *kinds]


def _check_free(host: str, port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LabError(
                f"port {port} of {host} cannot be listened on ({error.strerror}): "
                f"choose another with {option}."
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
    """Run Locust in its folder until the block ends, out of reach of anybody's settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    settings = {"PYTHONPATH": environment_with_lab()["PYTHONPATH"], "HOME": str(out.absolute())}
    environment = {**ours, **settings}
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
            preexec_fn=sent_when_parent_ends(signal.SIGKILL),  # noqa: PLW1509 - one prctl
        )
        try:
            yield process
        finally:
            stop(process, _STOP)


def _gave_up(code: int, crowd: Crowd, out: Path) -> LabError:
    said = (out / "locust.log").read_text(errors="replace").strip()
    if "Gave up waiting for workers" in said:
        joined = re.findall(r"(\d+) of \d+ connected", said)
        return LabError(
            f"{joined[-1] if joined else 0} of {crowd.workers} workers joined within "
            f"{crowd.join_within:g} s: start each with `lab load --worker`."
        )
    return LabError(f"Locust ended with exit code {code}: see {out}/locust.log.", said[-2_000:])
