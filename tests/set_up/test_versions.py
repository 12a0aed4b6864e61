"""The lowest declared versions and the newest of everything, without the lock; needs an index.

The tests that are slow as well are for a release, and `.ci/run` takes the others.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.set_up.fake_packages import ROOT
from tests.set_up.new_environment import (
    DECLARED,
    each_python,
    installed,
    python_of,
    run,
)

pytestmark = pytest.mark.install

APPLICATION = """\
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


def flat(n):
    for i in range(n):
        yield f"row {i}\\n"


@app.get("/export.csv")
def export(rows: int):
    chunks = ("row\\n" * 1_000 for _ in range(0, rows, 1_000))
    return StreamingResponse(chunks, media_type="text/csv")
"""
BUDGETS = """\
[budget.function]
target = "mine:flat"
claim = "O(1)"
[budget.endpoint]
request = "GET /export.csv?rows={n}"
app = "mine:app"
axis = "rows"
sizes = "16000..256000"
claim = "O(1)"
"""
MARKED = """\
import mine
import pytest


@pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
@pytest.mark.memory_budget(peak="1 MiB")
def test_flat(n):
    for row in mine.flat(n):
        pass


def test_fixture(memory_lab):
    assert memory_lab.verdict(memory_lab.sweep("mine:flat", axis="n"), "O(1)")


@pytest.mark.memory_growth("O(1)", over="n", sizes="8000..128000")
def test_grows(n):
    kept = list(mine.flat(n))
"""
SMALL_TABLE = """\
from lab.table.scenarios import SCENARIOS
from lab.table.measure import measure_table

export, download, upload = (SCENARIOS[row] for row in (0, 3, 5))
table = measure_table([export, download, upload], quick=True)
assert not table.left_out, table.left_out
print(*(row.verdict.finding for row in table.rows))
"""


@pytest.fixture(scope="session")
def project_wheel(tmp_path_factory):
    """The wheel of this project, as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


class NewUser:
    """An environment without the lock, and a project with a function, an endpoint and tests.

    Args:
        version: The Python to use.
        extras: What is installed beside the core.
        pins: Versions to hold some packages to.
        folder: An empty folder for both.
        wheel: The project, as it is installed elsewhere.
        env: The environment of every command.
    """

    def __init__(
        self,
        version: str,
        extras: Sequence[str],
        pins: dict[str, str],
        folder: Path,
        wheel: Path,
        env: dict[str, str],
    ) -> None:
        self.folder, self.env = folder, env
        self.python = folder / "venv" / "bin" / "python"
        uv = (sys.executable, "-m", "uv")
        self.run(*uv, "venv", "--quiet", "--python", python_of(version), folder / "venv")
        held, found = folder / "held.txt", folder / "found.txt"
        held.write_text("".join(f"{name}=={bound}\n" for name, bound in pins.items()))
        wanted = [word for extra in extras for word in ("--extra", extra)]
        resolution = ("--resolution", "lowest-direct" if pins else "highest")
        options = (*resolution, "--only-binary", ":all:", "--python", self.python)
        declared = (ROOT / "pyproject.toml", *wanted, "--constraints", held)
        self.run(*uv, "pip", "compile", *declared, *options, "--output-file", found)
        install = (*uv, "pip", "install", "--python", self.python)
        self.run(*install, "--requirement", found)
        self.run(*install, "--no-deps", wheel)
        for name, text in {
            "mine.py": APPLICATION,
            "memory-budgets.toml": BUDGETS,
            "test_mine.py": MARKED,
        }.items():
            (folder / name).write_text(text)

    def run(self, *words: object, expect: int = 0) -> str:
        return run(*words, folder=self.folder, env=self.env, expect=expect)

    def everything_works(self) -> None:
        """Run the command, an endpoint, the plugin and the table, each passing and failing."""
        lab = self.python.with_name("lab")
        self.run(lab, "doctor")
        assert self.run(lab, "check").count("kept") >= 2
        said = self.run(self.python, "-m", "pytest", "test_mine.py", expect=1)
        assert "1 failed, 2 passed" in said
        assert "O(1) broken: grows with n" in said
        assert self.run(self.python, "-c", SMALL_TABLE).splitlines()[-1] == "broken kept broken"


EXTRAS = ("patterns", "plots", "pytest")


def floors(*extras: str) -> dict[str, str]:
    """Return the lower bounds that the core and these extras declare."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    bounds = {}
    for requirement in map(Requirement, lines):
        if requirement.name != project["name"]:
            (bound,) = [one.version for one in requirement.specifier if one.operator == ">="]
            bounds[requirement.name] = bound
    return bounds


def at_the_floors(version, extras, folder, project_wheel, env) -> NewUser:
    """Install the lower bounds of extras, and check that these were installed."""
    bounds = floors(*extras)
    user = NewUser(version, extras, bounds, folder, project_wheel, env)
    versions = installed(user.python, env)
    others = {n: versions[n] for n in bounds if Version(versions[n]) != Version(bounds[n])}
    assert others == {}
    return user


@pytest.mark.parametrize("version", each_python(quick=DECLARED[:1]))
def test_the_declared_floors_work(version, tmp_path, project_wheel, clean):
    at_the_floors(version, EXTRAS, tmp_path, project_wheel, clean).everything_works()


@pytest.mark.parametrize("version", each_python(quick=DECLARED[-1:]))
def test_the_newest_of_everything_works(version, tmp_path, project_wheel, clean):
    NewUser(version, EXTRAS, {}, tmp_path, project_wheel, clean).everything_works()


VARIANTS = """\
from lab.pattern import open_variant

for pattern, variants, sizes in (
    ("tag_counts", ("group_by", "arrow_batches"), {"rows": 500}),
    ("zip_download", ("zip_stream", "fast_deflate"), {"bytes": 100_000}),
):
    for variant in variants:
        with open_variant(f"lab.patterns.{pattern}:PATTERN", variant, sizes) as run:
            print(run().digest)
"""
CLUSTER = """\
import subprocess
import sys

from distributed import LocalCluster

if __name__ == "__main__":
    alone = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(host="127.0.0.1", **alone) as cluster:
        question = ["measure", "mine:flat", "--claim", "O(1)", "--dask", cluster.scheduler_address]
        subprocess.run([sys.executable, "-m", "lab.cli", *question], check=True)
"""


@pytest.mark.parametrize("version", each_python())
def test_the_floors_of_the_other_extras_work(version, tmp_path, project_wheel, clean):
    extras = ("patterns", "plots", "tuned", "arrow", "notebooks", "dask")
    user = at_the_floors(version, extras, tmp_path, project_wheel, clean)
    group_by, arrow, stream, deflated = user.run(user.python, "-c", VARIANTS).split()
    assert (group_by, stream) == (arrow, deflated)
    (tmp_path / "cluster.py").write_text(CLUSTER)
    assert "O(1) kept" in user.run(user.python, "cluster.py")
    shutil.copy(ROOT / "notebooks" / "00-the-lens.ipynb", tmp_path)
    convert = (user.python, "-m", "nbconvert", "--to", "html", "--execute")
    user.run(*convert, "00-the-lens.ipynb")
    assert (tmp_path / "00-the-lens.html").exists()


@pytest.mark.parametrize("version", each_python())
def test_the_floors_of_load_work(version, tmp_path, project_wheel, clean):
    user = at_the_floors(version, ("load",), tmp_path, project_wheel, clean)
    question = ("GET /export.csv?rows=20000", "--app", "mine:app", "--users", "1,2")
    said = user.run(user.python.with_name("lab"), "load", *question, "--cap", "64MiB")
    assert "users carries 2, as many as were tried" in said


@pytest.mark.slow
def test_the_floor_of_the_build_works(tmp_path, clean):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (requirement,) = map(Requirement, declared["build-system"]["requires"])
    (tmp_path / "held.txt").write_text(str(requirement).replace(">=", "=="))
    build = (sys.executable, "-m", "uv", "build", "--wheel", "--build-constraints", "held.txt")
    run(*build, "--out-dir", tmp_path, ROOT, folder=tmp_path, env=clean)
    assert [path.suffix for path in tmp_path.glob("memory_lab-*")] == [".whl"]
