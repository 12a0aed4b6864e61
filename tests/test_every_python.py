"""Every Python that is declared, with the lock, the lowest and the newest versions: needs an index.

The tests that are slow as well are for a release, and `.ci/run` takes the others. The quick ones
leave out the Python that runs them, since `make test` has just run the whole suite with it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.made_up import ROOT, declared_pythons, find_python, wheel

pytestmark = pytest.mark.install

DECLARED = declared_pythons()
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
OLDEST_PIP = {"3.11": "22.3", "3.12": "23.2.1", "3.13": "24.2"}
"""What ensurepip of the first release of each Python brings."""
PIN = re.compile(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", re.MULTILINE)
CORE = (
    *("units", "growth", "verdict", "judge", "sites", "budgets_file", "check", "known_growth"),
    *("pytest_plugin", "plugin_bodies", "memory_lab_fixture", "csv_upload", "streams", "web"),
)
"""Of every floor something, in a minute; the figures that differ between Pythons are in it."""


def each_python(quick: Collection[str] = ()) -> list[object]:
    """Return the declared Pythons as parameters; those that are not quick are slow."""
    slow = {version: [] if version in quick else [pytest.mark.slow] for version in DECLARED}
    return [pytest.param(version, marks=marks) for version, marks in slow.items()]


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
    source = ("PIP_CERT", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_PROXY", "PIP_TRUSTED_HOST")
    given = {name: value for name, value in os.environ.items() if name in source}
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


def clone_with(version: str, folder: Path, env: dict[str, str], layer: str) -> Path:
    """Return a fresh clone, set up with a Python and the pip that it brings."""
    clone = folder / "memory-lab"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    run("make", layer, f"PYTHON={python_of(version)}", folder=clone, env=env)
    return clone


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
    modules = " ".join(f"tests/test_{name}.py" for name in CORE)
    said = run("make", "test", f"ARGS=--maxprocesses 2 {modules}", folder=clone, env=clean)
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
from lab.scenarios import SCENARIOS
from lab.survey import measure_table

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
        """Use the command, an endpoint, the plugin and the main job, green and red."""
        lab = self.python.with_name("lab")
        self.run(lab, "doctor")
        assert self.run(lab, "check").count("kept") >= 2
        said = self.run(self.python, "-m", "pytest", "test_mine.py", expect=1)
        assert "1 failed, 2 passed" in said
        assert "O(1) broken: grows with n" in said
        assert self.run(self.python, "-c", SMALL_TABLE).splitlines()[-1] == "broken kept broken"


EXTRAS = ("patterns", "plots", "pytest")


def floors(*extras: str) -> dict[str, str]:
    """Return the lower bound of everything that the core and these extras declare."""
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
    """Install what extras declare at its lower bounds, and make sure that these are what came."""
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
