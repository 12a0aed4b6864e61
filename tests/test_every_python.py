"""Every Python that is declared, with the lock, the lowest and the newest versions: needs an index.

The tests that are slow as well are for a release; `.ci/run` takes the others.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.made_up import ROOT, declared_pythons, find_python, wheel

pytestmark = pytest.mark.install

PYTHONS = [
    pytest.param(version, marks=pytest.mark.xdist_group(f"python-{version}"))
    for version in declared_pythons()
]
OLDEST_PIP = {"3.11": "22.3", "3.12": "23.2.1", "3.13": "24.2"}
"""What ensurepip of the first release of each Python brings."""
PIN = re.compile(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", re.MULTILINE)
CORE = (
    *("units", "growth", "verdict", "judge", "budgets_file", "baseline", "check", "cli"),
    *("pytest_plugin", "plugin_bodies", "memory_lab_fixture", "known_growth", "sites"),
    *("rows", "csv_export", "csv_upload", "streams", "web", "course_kernel", "set_up"),
)


def python_of(version: str) -> Path:
    """Return an interpreter of a declared version, or skip."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    return python


def run(*words: object, folder: Path, env: dict[str, str], expect: int = 0) -> str:
    """Run a command to its end, and return what it wrote; its exit code has to be as expected."""
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


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """The environment of a new user: an empty home, and nothing of this run but pip's cache."""
    cache = [sys.executable, "-m", "pip", "cache", "dir"]
    ours = ("PIP_", "PYTHON", "PYTEST_", "MAKE", "MFLAGS", "MEMORY_LAB", "VIRTUAL_ENV", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    given = {name: value for name, value in os.environ.items() if name in ("PIP_CERT", "PIP_PROXY")}
    home = tmp_path_factory.mktemp("home")
    lab_home = tempfile.mkdtemp(prefix="memory-lab-every-")
    Path(lab_home).chmod(0o755)
    yield (
        kept
        | given
        | {
            "HOME": str(home),
            "MEMORY_LAB_HOME": lab_home,
            "PIP_CACHE_DIR": subprocess.check_output(cache, text=True).strip(),
            "UV_CACHE_DIR": str(tmp_path_factory.getbasetemp().parent / "uv"),
        }
    )
    shutil.rmtree(lab_home, ignore_errors=True)


def locked() -> dict[str, set[str]]:
    """Return the pinned versions of each package of both layers."""
    versions: dict[str, set[str]] = {}
    for layer in ("main", "dev"):
        text = (ROOT / "requirements" / f"{layer}.txt").read_text(encoding="utf-8")
        for name, version in PIN.findall(text):
            versions.setdefault(name, set()).add(version)
    return versions


def installed(python: Path, env: dict[str, str]) -> dict[str, str]:
    """Return the versions of what an interpreter can import, by canonical names."""
    code = (
        "import json, re; from importlib.metadata import distributions as all;"
        "print(json.dumps({re.sub('[-_.]+', '-', d.name).lower(): d.version for d in all()}))"
    )
    said = subprocess.run([python, "-c", code], env=env, capture_output=True, text=True, check=True)
    return dict(json.loads(said.stdout))


@pytest.fixture(scope="session")
def newer_releases(tmp_path_factory):
    """A folder with a newer release of everything that is locked."""
    folder = tmp_path_factory.mktemp("newer")
    for name in locked():
        wheel(folder, name.replace("-", "_"), "99999")
    return folder


@pytest.fixture(scope="session", params=PYTHONS)
def clone(request, tmp_path_factory, clean, newer_releases):
    """A fresh clone, set up for its tests with each Python and the pip that this one brings."""
    python = python_of(request.param)
    folder = tmp_path_factory.mktemp("clone") / "memory-lab"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    links = {"PIP_FIND_LINKS": str(newer_releases)}
    run("make", "dev", f"PYTHON={python}", folder=folder, env=clean | links)
    yield folder
    shutil.rmtree(folder)


def test_the_lock_installs_unchanged_though_everything_has_a_newer_release(clone, clean):
    versions = installed(clone / ".venv" / "bin" / "python", clean)
    pinned = locked()
    there = {name for name in versions if name in pinned}
    assert {"coverage", "jupyterlab", "locust", "memray", "sqlalchemy"} <= there
    assert {name for name in there if versions[name] not in pinned[name]} == set()


def test_a_core_of_the_suite_is_green(clone, clean):
    modules = " ".join(f"tests/test_{name}.py" for name in CORE)
    said = run("make", "test", f"ARGS=--maxprocesses 2 {modules}", folder=clone, env=clean)
    assert int(re.search(r"(\d+) passed", said)[1]) > 500


@pytest.mark.slow
def test_the_main_job_runs_to_its_end(clone, clean):
    said = run("make", "table", "ARGS=--quick", folder=clone, env=clean)
    assert "Written: build/table/index.html" in said


@pytest.mark.slow
@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize("version", PYTHONS)
def test_the_lock_installs_with_every_pip(tmp_path, clean, newer_releases, version, age):
    python = python_of(version)
    pip = f"pip=={OLDEST_PIP[version]}" if age == "oldest" else "pip"
    run(python, "-m", "venv", tmp_path / "venv", folder=tmp_path, env=clean)
    inside = tmp_path / "venv" / "bin" / "python"
    run(inside, "-m", "pip", "install", "--upgrade", pip, folder=tmp_path, env=clean)
    links = {"PIP_FIND_LINKS": str(newer_releases)}
    code = "import sys; from locked_pip import *; print(*install_command(*sys.argv[1:]), sep='\\n')"
    for layer in ("main", "dev"):
        lock = ROOT / "requirements" / f"{layer}.txt"
        words = (inside, "--require-hashes", "--requirement", lock)
        command = run(sys.executable, "-c", code, *words, folder=lock.parent, env=clean)
        run(*command.splitlines(), folder=tmp_path, env=clean | links)
    run(inside, "-m", "pip", "check", folder=tmp_path, env=clean)
    pinned, versions = locked(), installed(inside, clean)
    there = {name for name in versions if name in pinned}
    assert {name for name in there if versions[name] not in pinned[name]} == set()
