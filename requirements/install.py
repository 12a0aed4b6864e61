"""Make `.venv` and install the locked packages into it, one layer on top of the other.

    python3 requirements/install.py main     what `make table` needs
    python3 requirements/install.py dev      that, and what the tests and tools need

The lock is whole and nothing is resolved, so a release of today changes nothing. A layer that is
complete is not installed again; what an interrupted run or another Python left is made anew.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from locked_pip import Pip, SetUpError, environment, install_command

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RECORD = VENV / "memory-lab.json"
INTERRUPTED = 130

TITLES = {
    "venv": f"a new .venv, with Python {platform.python_version()}",
    "main": "the packages that the table needs",
    "project": "memory-lab itself",
    "dev": "the packages that tests, notebooks, load and benchmarks need",
    "check": "do they fit together? (pip check)",
}


def main() -> int:
    """Install the layer that is asked for, and return the exit code."""
    parser = argparse.ArgumentParser(description="Make .venv and install the locked packages.")
    parser.add_argument("layer", choices=("main", "dev"))
    parser.add_argument(
        "--chosen", action="store_true", help="make .venv anew if another Python made it"
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with only_one_at_a_time() as lock:
            SetUp(lock, arguments.chosen).install(arguments.layer)
    except SetUpError as error:
        print(f"memory-lab: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"memory-lab: cannot write to {ROOT} ({error.strerror}): give it the rights and the "
            "room (2 GB), or clone into another folder, then run this again.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\nmemory-lab: set-up stopped; the next run begins it again.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[int]:
    """Hold a lock on this folder, which every pip inherits; yields its descriptor.

    A pip that outlives a killed run keeps the lock, so the next run waits until it has ended.
    """
    lock = os.open(LOCKS, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up in this folder ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


@dataclass
class Record:
    """What has been done in `.venv`, kept in a file there.

    Attributes:
        folder: Where `.venv` was made; its programs name that path.
        base: Version and folder of the Python that made it.
        python: The file that its Python is a link to.
        done: The steps that ended, each with the checksum of what it was made from.
        begun: The step that has begun and has not ended.
    """

    folder: str
    base: str
    python: str | None = None
    done: dict[str, str] = field(default_factory=dict)
    begun: str | None = None

    @classmethod
    def read(cls) -> "Record | None":
        """Return the record in `.venv`, or None where there is none."""
        try:
            return cls(**json.loads(RECORD.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self) -> None:
        """Replace the file at once, so that a killed run leaves a whole one."""
        unfinished = RECORD.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        unfinished.replace(RECORD)

    def unusable(self, chosen: bool) -> str | None:
        """Say why this `.venv` cannot be built upon, or return None if it can."""
        if self.begun:
            return "an earlier set-up did not end"
        if (self.folder, self.python) != (str(VENV), python_file()):
            return "it, or its Python, has been moved or replaced"
        if chosen and self.base != base():
            return f"it was made by Python {self.base}"
        if any(self.done.get(layer, digest(layer)) != digest(layer) for layer in ("main", "dev")):
            return "other versions are locked now"
        return None


class SetUp:
    """One run of the set-up.

    Args:
        lock: Descriptor of the lock, for pip to inherit.
        chosen: Whether the user named this Python, so that no other's environment will do.
    """

    def __init__(self, lock: int, chosen: bool) -> None:
        self._lock = lock
        self._chosen = chosen

    def install(self, layer: str) -> None:
        """Bring `.venv` up to a layer: `main`, or `dev` on top of it.

        Raises:
            SetUpError: It cannot be done.
        """
        record = Record.read()
        if os.path.lexists(VENV):
            reason = record.unusable(self._chosen) if record else "it was not made by this set-up"
            if reason:
                remove(reason)
                record = None
        else:
            record = None
        wanted = ["main", "project", "dev"] if layer == "dev" else ["main", "project"]
        done = record.done if record else {}
        steps = [] if record else ["venv"]
        steps += [step for step in wanted if done.get(step) != digest(step)]
        if steps or "check" not in done:
            self._take([*steps, "check"], record or Record(str(VENV), base()))

    def _take(self, steps: list[str], record: Record) -> None:
        for number, step in enumerate(steps, 1):
            mark = f"[{number}/{len(steps)}]"
            print(mark, TITLES[step], flush=True)
            start = time.monotonic()
            if step == "venv":
                make(record, self._lock)
            else:
                self._run(step, record)
            print(f"{' ' * len(mark)} done in {time.monotonic() - start:.0f} s", flush=True)

    def _run(self, step: str, record: Record) -> None:
        record.begun = step
        record.done.pop("check", None)
        record.write()
        pip = Pip(_command(step), VENV, self._lock)
        if pip.run() != 0:
            if not pip.installing and step != "check":  # it has changed nothing
                record.begun = None
                record.write()
            raise SetUpError(pip.why(ROOT) if step != "check" else _unfit(pip.output))
        record.begun = None
        record.done[step] = digest(step)
        record.write()


def _command(step: str) -> list[str]:
    if step == "check":
        return [str(PYTHON), "-m", "pip", "check"]
    if step == "project":
        return install_command(PYTHON, "--no-build-isolation", "--editable", str(ROOT))
    return install_command(PYTHON, "--require-hashes", "--requirement", str(LOCKS / f"{step}.txt"))


def _unfit(output: str) -> str:
    last = output.strip().splitlines()[-1:]
    return f"the locked packages do not fit together ({''.join(last)}): pin them anew (make lock)."


def make(record: Record, lock: int) -> None:
    """Make a new environment.

    Raises:
        SetUpError: This Python has no venv, or a broken one.
    """
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            raise SetUpError(
                f"{sys.executable} has no {module}: install it (Debian and Ubuntu: "
                f"apt install {version}-venv), or name another Python (make table PYTHON=...)."
            )
    VENV.mkdir()
    record.begun = "venv"
    record.write()
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        capture_output=True,
        text=True,
        env=environment(),
        pass_fds=(lock,),
        check=False,
    )
    if made.returncode:
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise SetUpError(
            f"{sys.executable} could not make an environment ({''.join(last)}): "
            "mend that, or name another Python (make table PYTHON=...)."
        )
    record.begun, record.python = None, python_file()
    record.write()


def remove(reason: str) -> None:
    """Remove what is in the place of `.venv`, and say why.

    Raises:
        SetUpError: It is a folder of something else.
    """
    folder = VENV.is_dir() and not VENV.is_symlink()
    made_by_python = RECORD.exists() or (VENV / "pyvenv.cfg").exists()
    if folder and not made_by_python and any(VENV.iterdir()):
        raise SetUpError(
            f"{VENV} is not an environment of Python: move it elsewhere, then run this again."
        )
    print(f"Making .venv anew: {reason}.", flush=True)
    shutil.rmtree(VENV) if folder else VENV.unlink()


def digest(step: str) -> str:
    """Return the checksum of what a step is made from."""
    if step == "project":
        declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        built_from = [declared.get("project"), declared.get("build-system")]
        content = json.dumps(built_from, sort_keys=True).encode()
    elif step == "check":
        content = b""
    else:
        content = (LOCKS / f"{step}.txt").read_bytes()
    return hashlib.sha256(content).hexdigest()


def python_file() -> str | None:
    """Return the file that the Python in `.venv` is a link to, or None where that has gone."""
    return str(PYTHON.resolve()) if PYTHON.exists() else None


def base() -> str:
    """Return the version and the folder of the Python that runs this."""
    return f"{platform.python_version()} in {sys.base_prefix}"


if __name__ == "__main__":
    sys.exit(main())
