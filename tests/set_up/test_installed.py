"""The steps of docs/ci.md for a new user: wheel, five lines of test; it passes, then fails."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter with the built wheel and the dependencies of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    found = folder / "venv" / "bin" / "python"
    paths = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    # An editable install of the project is found by a .pth file, which is not read from here.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip_install(found, f"{wheel}[patterns,plots]")
    return found


def pip_install(python, what):
    """Install without downloading anything."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", what]
    return subprocess.run(pip, check=True, capture_output=True, text=True).stdout


def run(python, folder, *words):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON"))}
    return subprocess.run(
        [str(python), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def five_lines():
    page = (ROOT / "docs" / "ci.md").read_text()
    return re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]


@pytest.mark.slow
def test_the_wheel_is_what_is_measured_with(python, tmp_path):
    where = run(python, tmp_path, "-c", "import lab; print(lab.__file__)").stdout
    assert str(python.parent.parent) in where


def test_the_wheel_brings_the_command(python, tmp_path):
    result = run(python.parent / "lab", tmp_path, "--help")
    assert result.returncode == 0, result.stderr
    assert "Test claims about peak memory by measurement." in result.stdout


@pytest.mark.slow
def test_an_extra_is_added_to_what_is_installed_without_an_index(python):
    assert "Requirement already satisfied: memory-lab[arrow]" in pip_install(
        python, "memory-lab[arrow]"
    )


def test_five_lines_are_green_and_a_list_that_keeps_rows_turns_them_red(python, tmp_path):
    test = tmp_path / "test_memory.py"
    test.write_text(five_lines())
    assert len([line for line in five_lines().splitlines() if line]) == 5
    green = run(python, tmp_path, "-m", "pytest", "-q")
    assert green.returncode == 0, green.stdout + green.stderr
    kept = test.read_text().replace("    for row", "    kept = []\n    for row")
    test.write_text(kept.replace("        pass\n", "        kept.append(row)\n"))
    red = run(python, tmp_path, "-m", "pytest", "-q")
    assert red.returncode == 1
    line = 1 + test.read_text().splitlines().index("        kept.append(row)")
    assert f"test_memory.py:{line} in test_rows_are_let_go: kept.append(row)" in red.stdout
    assert "O(1) broken: grows with n" in red.stdout
    assert "last good run" in red.stdout


@pytest.mark.slow
def test_a_file_of_budgets_is_green_and_then_red(python, tmp_path):
    (tmp_path / "exports.py").write_text(
        "def stream(n):\n    kept = []\n    for i in range(n):\n        yield f'row {i}'\n"
    )
    (tmp_path / "memory-budgets.toml").write_text(
        '[budget.export]\ntarget = "exports:stream"\nclaim = "O(1)"\n'
    )
    green = run(python, tmp_path, "-m", "lab.cli", "check")
    assert green.returncode == 0, green.stdout + green.stderr
    grown = (tmp_path / "exports.py").read_text().replace("yield f'row {i}'", "kept.append(f'{i}')")
    (tmp_path / "exports.py").write_text(grown + "        yield i\n")
    red = run(python, tmp_path, "-m", "lab.cli", "check")
    assert red.returncode == 1
    assert "exports.py:4 in stream: kept.append(f'{i}')" in red.stdout
