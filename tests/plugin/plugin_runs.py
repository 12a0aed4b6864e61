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

HOME = Path(__file__).parents[2]

_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Ran:
    """A run of pytest: where, its exit code and output, what it left in TMPDIR, and its tests.

    A test is, by its name, its ``outcome``, the ``text`` of what it said, and its ``properties``.
    """

    folder: str
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


def write(folder: Path, paths: Mapping[str, str] | None = None, **modules: str) -> Path:
    """Write a project: files by their paths, and modules at its top by their names."""
    for path, text in {**(paths or {}), **{f"{n}.py": t for n, t in modules.items()}}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    return folder


def command(
    *words: str, python: str | Path = sys.executable, plugin: str = "memory-lab"
) -> list[str]:
    """Return the command that runs pytest with the plugin, and with no other that is not named."""
    return [str(python), "-m", "pytest", "-p", plugin, *words]


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


def run_pytest(
    folder: Path,
    *words: str,
    cwd: Path | None = None,
    python: str | Path = sys.executable,
    plugin: str = "memory-lab",
    **more: str,
) -> Ran:
    """Run pytest in a folder, with these words on its command line and more in its environment."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    shown = () if "no:terminal" in words else ("-rA",)
    done = subprocess.run(
        command(f"--junitxml={report}", *shown, *words, python=python, plugin=plugin),
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
    return Ran(str(folder), done.returncode, done.stdout, left, _tests(report))


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
    cases: dict[str, list[ElementTree.Element]] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own
        # A failure in the body and an error after it are two entries of one name.
        cases.setdefault(str(case.get("name")), []).append(case)
    return {name: _told(entries) for name, entries in cases.items()}


def _told(entries: list[ElementTree.Element]) -> Mapping[str, object]:
    said = [part for entry in entries for part in entry if part.tag in _OUTCOMES]
    outcome = _OUTCOMES[said[0].tag] if said else "passed"
    if said and said[0].get("type") == "pytest.xfail":
        outcome = "xfailed"
    properties = [part for entry in entries for part in entry.iter("property")]
    return {
        "outcome": outcome,
        "text": "\n".join(f"{part.get('message')}\n{part.text or ''}" for part in said),
        "properties": {part.get("name"): part.get("value") for part in properties},
    }


def _can_be_interrupted() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
