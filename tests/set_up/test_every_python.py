"""The lock on every declared Python, with the oldest and the newest pip; needs a package index.

The tests that are slow as well are for a release, and `.ci/run` takes the others. The quick ones
leave out the Python that runs them, since `make test` has just run the whole suite with it.
"""

import re
import sys

import pytest

from tests.set_up.fake_packages import ROOT
from tests.set_up.new_environment import (
    DECLARED,
    THIS,
    clone_with,
    each_python,
    installed,
    locked,
    python_of,
    run,
)

pytestmark = pytest.mark.install

OLDEST_PIP = {"3.11": "22.3", "3.12": "23.2.1", "3.13": "24.2"}
"""The pip that ensurepip of the first release of each Python installs."""
CORE = (
    *("test_units", "test_streams", "curves", "measure/test_known_growth", "budgets/test_judge"),
    *("patterns/test_csv_upload", "plugin/test_pytest_plugin", "plugin/test_failing_bodies"),
    "plugin/test_memory_lab_fixture",
)
"""Tests of every layer that take half a minute, also of what differs between Pythons."""


@pytest.mark.parametrize("version", each_python(quick={*DECLARED} - {THIS}))
def test_the_lock_installs_though_all_has_newer_releases_and_a_core_is_green(
    version, tmp_path, clean, newer_releases
):
    links = {"PIP_FIND_LINKS": str(newer_releases)}
    clone = clone_with(version, tmp_path, clean | links, "dev")
    versions = installed(clone / ".venv" / "bin" / "python", clean)
    pinned = locked()
    there = {name for name in versions if name in pinned}
    assert {"coverage", "jupyterlab", "locust", "memray", "sqlalchemy"} <= there
    assert {name for name in there if versions[name] not in pinned[name]} == set()
    modules = " ".join(
        f"tests/{name}" + ("" if (ROOT / "tests" / name).is_dir() else ".py") for name in CORE
    )
    said = run("make", "test", f"ARGS=-n 2 {modules}", folder=clone, env=clean)
    assert int(re.search(r"(\d+) passed", said)[1]) > 400


@pytest.mark.parametrize("version", each_python())
def test_the_main_job_runs_to_its_end(version, tmp_path, clean):
    clone = clone_with(version, tmp_path, clean, "main")
    said = run("make", "table", "ARGS=--quick", folder=clone, env=clean)
    assert "Written: build/table/index.html" in said


@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize("version", each_python())
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
