"""What the tests of installing share: interpreters, a new user's environment, and clones."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.set_up.fake_packages import ROOT, declared_pythons, find_python

DECLARED = declared_pythons()
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
PIN = re.compile(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", re.MULTILINE)


def each_python(quick: Collection[str] = ()) -> list[object]:
    """Return the declared Pythons as parameters; all but the quick ones are marked slow."""
    slow = {version: [] if version in quick else [pytest.mark.slow] for version in DECLARED}
    return [pytest.param(version, marks=marks) for version, marks in slow.items()]


def python_of(version: str) -> Path:
    """Return an interpreter of a declared version, or skip."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    return python


def run(*words: object, folder: Path, env: dict[str, str], expect: int = 0) -> str:
    """Run a command, check its exit code, and return its output."""
    result = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )
    assert result.returncode == expect, f"{words}:\n{result.stdout}"
    return result.stdout


def locked() -> dict[str, set[str]]:
    """Return the pinned versions of each package of both layers."""
    versions: dict[str, set[str]] = {}
    for layer in ("main", "dev"):
        text = (ROOT / "requirements" / f"{layer}.txt").read_text(encoding="utf-8")
        for name, version in PIN.findall(text):
            versions.setdefault(name, set()).add(version)
    return versions


def installed(python: Path, env: dict[str, str]) -> dict[str, str]:
    """Return the versions of an interpreter's distributions, by canonical name."""
    code = (
        "import json, re; from importlib.metadata import distributions as all;"
        "print(json.dumps({re.sub('[-_.]+', '-', d.name).lower(): d.version for d in all()}))"
    )
    said = subprocess.run([python, "-c", code], env=env, capture_output=True, text=True, check=True)
    return dict(json.loads(said.stdout))


def clone_with(version: str, folder: Path, env: dict[str, str], layer: str) -> Path:
    """Return a new clone, set up with a Python and its own pip."""
    clone = folder / "memory-lab"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    run("make", layer, f"PYTHON={python_of(version)}", folder=clone, env=env)
    return clone
