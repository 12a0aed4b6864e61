"""Running pytest on a project of its own, and reading what it said of each test."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest

HOME = Path(__file__).parent.parent

_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Ran:
    """A run of pytest: its exit code, its output, what it left in TMPDIR, and its tests by name.

    A test is its ``outcome``, the ``text`` of what it said, and its ``properties``.
    """

    code: int
    output: str
    left: list[str]
    tests: Mapping[str, Mapping[str, object]]

    def outcome(self, name: str) -> object:
        return self.tests[name]["outcome"]

    def text(self, name: str) -> str:
        return str(self.tests[name]["text"])

    def peak(self, name: str) -> int:
        properties = self.tests[name]["properties"]
        assert isinstance(properties, dict)
        return int(properties["peak_heap_bytes"])

    def counts(self) -> str:
        """Return the last line, without the time it took."""
        return self.output.strip().splitlines()[-1].strip("= ").rpartition(" in ")[0]


def write(folder: Path, **files: str) -> Path:
    """Write a project: ``test_a`` is a module, ``conf__other_ini`` the file ``conf/other.ini``."""
    for name, text in files.items():
        *parts, last = name.split("__")
        path = folder.joinpath(*parts, last.replace("_ini", ".ini"))
        path = path if path.suffix else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def command(*words: str) -> list[str]:
    """Return the command that runs pytest with the plugin, and with no other that is not named."""
    return [sys.executable, "-m", "pytest", "-p", "memory-lab", *words]


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a run: nothing of the run that this test belongs to is in it."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV"))}
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **ours,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(HOME),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        **more,
    }


def run_pytest(folder: Path, *words: str, cwd: Path | None = None, **more: str) -> Ran:
    """Run pytest in a folder, with these words on its command line and more in its environment."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        command(f"--junitxml={report}", "-rA", *words),
        cwd=cwd or folder,
        env=surroundings(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=_can_be_interrupted,
    )
    left = [path.name for path in folder.joinpath("tmp").iterdir()]
    return Ran(done.returncode, done.stdout, left, _tests(report))


def once(name: str, temporary: pytest.TempPathFactory, run: Callable[[Path], Ran]) -> Ran:
    """Have something run once, by whichever worker comes first, and share it with the others."""
    base = temporary.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = root / f"{name}.json"
    with root.joinpath(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder = root / name
            folder.mkdir()
            kept.write_text(json.dumps(asdict(run(folder))))
    return Ran(**json.loads(kept.read_text()))


def _tests(report: Path) -> dict[str, Mapping[str, object]]:
    if not report.exists():
        return {}
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        said = [part for part in case if part.tag in _OUTCOMES]
        first = said[0] if said else None
        outcome = "passed" if first is None else _OUTCOMES[first.tag]
        if first is not None and first.get("type") == "pytest.xfail":
            outcome = "xfailed"
        texts = [f"{part.get('message')}\n{part.text or ''}" for part in said]
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        told = {"outcome": outcome, "text": "\n".join(texts), "properties": properties}
        found[str(case.get("name"))] = told
    return found


def _can_be_interrupted() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
