"""Create `.venv` and install the locked packages into it, in two layers.

    python3 requirements/install.py main     what `make table` needs
    python3 requirements/install.py dev      that, and what the tests and tools need

The lock files pin every package and pip resolves nothing, so new releases have no effect. A
complete layer is not installed again. An environment that an interrupted run or another Python left
behind is rebuilt.
"""

import argparse
import contextlib
import errno
import fcntl
import importlib.util
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

from locked_pip import Run, SetUpError, install_command
from record import LOCKS, MARKERS, PYTHON, ROOT, VENV, Record, base, digest, python_file

CANNOT_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
INTERRUPTED = 130

TITLES = {
    "venv": f"a new .venv, with Python {platform.python_version()}",
    "main": "the packages that the table needs",
    "project": "memory-lab itself",
    "dev": "the packages that tests, notebooks, load and benchmarks need",
    "check": "a check of the packages (pip check)",
}


def main() -> int:
    """Install the layer named on the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Create .venv and install the locked packages.")
    parser.add_argument("layer", choices=("main", "dev"))
    parser.add_argument(
        "--chosen", action="store_true", help="rebuild .venv if another Python created it"
    )
    parser.add_argument("--no-check", action="store_true", help="skip pip check")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with exclusive_lock() as lock:
            SetUp(lock, arguments.chosen).install(arguments.layer, check=not arguments.no_check)
    except SetUpError as error:
        print(f"memory-lab: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"memory-lab: {_explain(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmemory-lab: set-up stopped. Run the same command to start again.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _explain(error: OSError) -> str:
    what = f"{error.filename or ROOT}: {error.strerror}"
    if error.errno in CANNOT_WRITE:
        return (
            f"{what}. The set-up needs permission to write to {ROOT}, and 2 GB of free disk space: "
            "provide these, or clone into another folder, then run this again."
        )
    return f"{what}: fix that, then run this again."


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def exclusive_lock() -> Iterator[int]:
    """Lock this file so that one set-up runs at a time; yield the descriptor of the lock.

    Every pip inherits the descriptor. So if a pip outlives a killed run, the next run waits until
    that pip has ended. On file systems without locks the set-up runs unlocked.
    """
    try:
        lock = os.open(__file__, os.O_RDWR)  # NFS locks only files opened for writing
    except OSError:
        lock = os.open(__file__, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Waiting for another set-up in this folder ...", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


class SetUp:
    """One run of the set-up.

    Args:
        lock: Descriptor of the lock, which pip inherits.
        chosen: Whether the user named this Python, so that an environment of another one is
            rebuilt.
    """

    def __init__(self, lock: int, chosen: bool) -> None:
        self._lock = lock
        self._chosen = chosen

    def install(self, layer: str, check: bool = True) -> None:
        """Install the missing steps up to a layer.

        Args:
            layer: ``main``, or ``dev``, which includes ``main``.
            check: Whether to run `pip check` at the end.

        Raises:
            SetUpError: A step failed.
        """
        record = Record.read()
        if os.path.lexists(VENV):
            reason = record.unusable(self._chosen) if record else "this set-up did not create it"
            if reason:
                remove(reason)
                record = None
        else:
            record = None
        wanted = ["main", "project", "dev"] if layer == "dev" else ["main", "project"]
        done = record.done if record else {}
        steps = [] if record else ["venv"]
        steps += [step for step in wanted if done.get(step) != digest(step)]
        if check and (steps or "check" not in done):
            steps.append("check")
        self._run(steps, record or Record(str(VENV), base()))

    def _run(self, steps: list[str], record: Record) -> None:
        for number, step in enumerate(steps, 1):
            prefix = f"[{number}/{len(steps)}]"
            print(prefix, TITLES[step], flush=True)
            start = time.monotonic()
            if step == "venv":
                self._create(record)
            elif step == "check":
                self._check(record)
            else:
                self._install(step, record)
            print(f"{' ' * len(prefix)} done in {time.monotonic() - start:.0f} s", flush=True)

    def _create(self, record: Record) -> None:
        for module in ("venv", "ensurepip"):
            if importlib.util.find_spec(module) is None:
                version = f"python{sys.version_info.major}.{sys.version_info.minor}"
                raise SetUpError(
                    f"{sys.executable} has no {module}: install it (Debian and Ubuntu: "
                    f"apt install {version}-venv), or choose another (make PYTHON=... table)."
                )
        VENV.mkdir()
        record.begun = "venv"
        record.write()
        # In an activated `.venv`, sys.executable is a link in it, which has just been removed.
        python = getattr(sys, "_base_executable", sys.executable)
        run = Run([python, "-m", "venv", str(VENV)], VENV, self._lock)
        if run.end() != 0:
            raise SetUpError(
                f"{python} could not create an environment ({run.last_line()}): "
                "fix that, or choose another Python (make PYTHON=... table)."
            )
        record.begun, record.python = None, python_file()
        record.write()

    def _install(self, step: str, record: Record) -> None:
        record.begun = step
        record.done.pop("check", None)
        record.write()
        run = Run(_command(step), VENV, self._lock)
        if run.end() != 0:
            if not run.installing:  # pip has changed nothing
                record.begun = None
                record.write()
            raise SetUpError(run.why(ROOT))
        record.begun = None
        record.done[step] = digest(step)
        record.write()

    def _check(self, record: Record) -> None:
        run = Run([str(PYTHON), "-m", "pip", "check"], VENV, self._lock)
        if run.end() != 0:
            raise SetUpError(
                f"the packages in .venv are not compatible ({run.last_line()}): "
                "run `make clean` and install again, or pin other versions with `make lock`."
            )
        record.done["check"] = digest("check")
        record.write()


def _command(step: str) -> list[str]:
    if step == "project":
        return install_command(PYTHON, "--no-build-isolation", "--editable", str(ROOT))
    return install_command(PYTHON, "--require-hashes", "--requirement", str(LOCKS / f"{step}.txt"))


def remove(reason: str) -> None:
    """Remove `.venv`, whatever it is, and print the reason.

    Raises:
        SetUpError: It is a folder with files, but not a Python environment.
    """
    if VENV.is_symlink() or not VENV.is_dir():
        print(f"Rebuilding .venv: {reason}.", flush=True)
        VENV.unlink()
        return
    content = list(VENV.iterdir())
    if content and not MARKERS & {path.name for path in content}:
        raise SetUpError(
            f"{VENV} is not a Python environment: move it elsewhere, then run this again."
        )
    print(f"Rebuilding .venv: {reason}.", flush=True)
    for path in content:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
    shutil.rmtree(VENV)


if __name__ == "__main__":
    sys.exit(main())
