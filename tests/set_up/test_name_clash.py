"""A package `lab` of another distribution or folder is reported in one sentence."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.set_up.fake_packages import ROOT, wheel

OTHERS = "the distribution lab also has a package `lab`: install memory-lab into a"


@pytest.fixture
def site(tmp_path):
    """An environment with a copy of the project and the dependencies of this one."""
    venv.create(tmp_path / "venv", symlinks=True)
    paths = {"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")}
    folder = Path(sysconfig.get_path("purelib", "venv", paths))
    shutil.copytree(ROOT / "lab", folder / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "memory_lab.py", folder)
    info = folder / "memory_lab-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-lab\nVersion: 1\n")
    (info / "top_level.txt").write_text("lab\nmemory_lab\n")
    plugin = "[pytest11]\nmemory-lab = memory_lab:pytest_plugin\n"
    (info / "entry_points.txt").write_text(plugin)
    # An editable install of the project is found by a .pth file, which is not read from here.
    (folder / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture
def install_the_other(site, tmp_path):
    """Install a distribution `lab` as pip does, which overwrites existing files."""
    files = {"lab/__init__.py": "__version__ = '8'\n", "lab/experiment.py": ""}

    def install():
        wheel(tmp_path, "lab", "8", files=files)
        shutil.unpack_archive(tmp_path / "lab-8-py3-none-any.whl", site, "zip")

    return install


def run(site, folder, *words):
    python = site.parents[2] / "bin" / "python"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON"))}
    return subprocess.run(
        [python, *words], cwd=folder, env=kept, capture_output=True, text=True, check=False
    )


LAB = ("-c", "import sys; sys.argv = ['lab', *sys.argv[1:]]; import memory_lab; memory_lab.main()")


@pytest.fixture
def project(tmp_path):
    """A folder with a test that passes unless it is measured."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "test_mine.py").write_text(
        "import pytest\n\n\n"
        "@pytest.mark.memory_budget(peak='1 kB')\n"
        "def test_large():\n"
        "    assert len('x' * 10_000_000) > 0\n"
    )
    return folder


def test_alone_it_works_and_is_said_to_be_memory_labs(site, project):
    assert f"Package lab: memory-lab's, in {site / 'lab'}" in run(
        site, project, *LAB, "doctor"
    ).stdout.replace("\n", "")
    assert run(site, project, "-m", "pytest").returncode == 1  # measured, and over its budget


def test_a_distribution_that_overwrote_it_is_named_by_the_command(site, install_the_other, project):
    install_the_other()
    for command in ("doctor", "table"):
        result = run(site, project, *LAB, command)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith(
            "lab: the package `lab` that Python finds is not memory-lab"
        )
        assert str(site / "lab" / "__init__.py") in result.stderr
        assert OTHERS in result.stderr
        assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_pytest_says_so_when_it_starts_and_runs_no_test_unmeasured(
    site, install_the_other, project
):
    install_the_other()
    result = run(site, project, "-m", "pytest")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert OTHERS in result.stderr
    assert result.stderr.strip().count("\n") == 0
    without = run(site, project, "-m", "pytest", "-p", "no:memory-lab")
    assert "1 passed" in without.stdout


def test_one_that_it_overwrote_is_named_by_the_doctor(site, install_the_other, project):
    ours = (site / "lab" / "__init__.py").read_text()
    install_the_other()
    (site / "lab" / "__init__.py").write_text(ours)
    result = run(site, project, *LAB, "doctor")
    assert result.returncode == 2
    assert OTHERS in " ".join(result.stdout.split())


@pytest.mark.parametrize("text", ["", "raise RuntimeError('mine')\n"])
def test_a_folder_of_that_name_in_the_project_is_named(site, project, text):
    (project / "lab").mkdir()
    (project / "lab" / "__init__.py").write_text(text)
    for command in ((*LAB, "doctor"), ("-m", "pytest")):
        result = run(site, project, *command)
        assert result.returncode == (2 if "doctor" in command else pytest.ExitCode.USAGE_ERROR)
        assert "rename the folder `lab` that Python finds first" in result.stderr
        found = "(RuntimeError: mine)" if text else f"({project / 'lab' / '__init__.py'})"
        assert found in result.stderr


def test_what_is_left_when_the_other_is_uninstalled_is_named(site, project):
    (site / "lab" / "__init__.py").unlink()
    result = run(site, project, *LAB, "doctor")
    assert result.returncode == 2
    assert "or install the wheel of memory-lab again with --force-reinstall" in result.stderr


def test_the_entry_points_are_those_that_look_first():
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="lab")
    (plugin,) = entry_points(group="pytest11", name="memory-lab")
    assert (command.value, plugin.value) == ("memory_lab:main", "memory_lab:pytest_plugin")
    assert sys.modules[plugin.load().__name__] is plugin.load()
