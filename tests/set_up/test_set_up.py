"""The set-up of `make table` and `make test`, with made-up packages and no index."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import processes_naming, wait_until
from tests.set_up.fake_packages import ROOT, declared_pythons, find_python, wheel

BACKEND = '''\
"""Build backend of the test project: its wheel contains only its name."""

import zipfile


def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "made_up-1.dist-info/"
    tag = "Root-Is-Purelib: true\\nTag: py3-none-any\\n"
    with zipfile.ZipFile(folder + "/made_up-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: made-up\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\n" + tag)
        wheel.writestr(info + "RECORD", "")
    return "made_up-1-py3-none-any.whl"
'''
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "made-up"
version = "1"
"""


class Clone:
    """A clone of a project of two packages in two layers: `spice`, and `cake[spiced]` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder.parent / "wheels"
        self.venv = folder / ".venv"
        self.settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        (folder / "requirements").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", folder)
        for name in ("install.py", "locked_pip.py", "record.py"):
            shutil.copy(ROOT / "requirements" / name, folder / "requirements")
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "backend.py").write_text(BACKEND)
        spice = wheel(self.wheels, "spice", "1.0", extras=["hot"])
        self.lock("main", spice.replace("spice==", "spice[hot]=="))
        self.lock("dev", wheel(self.wheels, "cake", "1.0", requires=["spice[hot]>=1"]))

    def lock(self, layer: str, text: str) -> None:
        (self.folder / "requirements" / f"{layer}.txt").write_text(text)

    def command(self, *words: str) -> list[str]:
        return ["make", "--no-print-directory", *words, *([] if _names_python(words) else PYTHON)]

    def environment(self, **more: str) -> dict[str, str]:
        """Return an environment in which pip finds the made-up packages, and nothing else."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "MAKE"))}
        home = str(self.folder.parent)
        return {
            **kept,
            "HOME": home,
            "PIP_CONFIG_FILE": os.devnull,
            **{name: value for name, value in self.settings.items() if value},
            **more,
        }

    def make(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def installed(self) -> dict[str, str]:
        """Return the installed packages with their versions, without pip and setuptools."""
        infos = (path.stem for path in self.venv.glob("lib/python*/site-packages/*.dist-info"))
        found = dict(info.split("-", 1) for info in infos)
        return {k: v for k, v in sorted(found.items()) if k not in ("pip", "setuptools")}


PYTHON = [f"PYTHON={sys.executable}"]
MAIN = {"made_up": "1", "spice": "1.0"}
BOTH = {"cake": "1.0", **MAIN}


def _names_python(words: tuple[str, ...]) -> bool:
    return any(word.startswith("PYTHON=") for word in words)


def steps(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the titles of the steps of a set-up."""
    return re.findall(r"^\[\d/\d\] (.+)$", result.stdout, re.MULTILINE)


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that the set-up printed for an error."""
    assert result.returncode == 2, result.stdout + result.stderr
    (said,) = [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]
    assert said.startswith("memory-lab: ")
    return said


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "a clone of Mémoire 記憶")


@pytest.mark.slow
def test_each_layer_is_installed_once_and_every_step_says_what_it_does(clone):
    first = clone.make("main")
    assert first.returncode == 0, first.stdout + first.stderr
    assert [step.split(",")[0] for step in steps(first)] == [
        "a new .venv",
        "the packages that the table needs",
        "memory-lab itself",
        "a check of the packages (pip check)",
    ]
    assert clone.installed() == MAIN
    again = clone.make("main")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    more = clone.make("dev")
    assert steps(more) == [
        "the packages that tests, notebooks, load and benchmarks need",
        "a check of the packages (pip check)",
    ]
    assert clone.installed() == BOTH
    assert clone.make("main").stdout + clone.make("dev").stdout == ""


def old_way(clone: Clone, python: Path) -> subprocess.CompletedProcess[str]:
    """Install both layers with a resolver, and with pins without extras."""
    locks = ("requirements/main.txt", "requirements/dev.txt")
    text = "".join((clone.folder / lock).read_text() for lock in locks)
    (clone.folder / "without-extras.txt").write_text(re.sub(r"\[\w+\]==", "==", text))
    command = ("install", "--require-hashes", "--requirement", "without-extras.txt")
    return subprocess.run(
        [python, "-m", "pip", *command],
        cwd=clone.folder,
        env=clone.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("version", declared_pythons())
def test_a_newer_release_of_a_pinned_package_changes_nothing(clone, version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    wheel(clone.wheels, "spice", "2.0", extras=["hot"])
    wheel(clone.wheels, "cake", "2.0")
    result = clone.make("dev", f"PYTHON={python}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert clone.installed() == BOTH


@pytest.mark.slow
def test_with_a_resolver_the_newer_release_stopped_the_pip_of_python_3_11(clone):
    python = find_python("3.11")
    if python is None:
        pytest.skip("there is no Python 3.11 on this machine")
    assert clone.make("main", f"PYTHON={python}").returncode == 0
    pip = clone.venv / "bin" / "python"
    version = subprocess.check_output([pip, "-m", "pip", "--version"], text=True).split()[1]
    if int(version.split(".")[0]) >= 24:
        pytest.skip(f"this Python 3.11 brings pip {version}, which joins extras with their package")
    subprocess.run([pip, "-m", "pip", "uninstall", "--yes", "--quiet", "spice"], check=True)
    assert old_way(clone, pip).returncode == 0
    subprocess.run([pip, "-m", "pip", "uninstall", "--yes", "--quiet", "spice", "cake"], check=True)
    wheel(clone.wheels, "spice", "2.0", extras=["hot"])
    failed = old_way(clone, pip)
    assert failed.returncode == 1
    assert "must have their versions pinned with ==" in failed.stderr
    assert "spice[hot]" in failed.stderr


@pytest.mark.slow
def test_a_change_of_the_project_installs_it_alone_and_one_of_the_lock_makes_all_anew(clone):
    assert clone.make("main").returncode == 0
    project = clone.folder / "pyproject.toml"
    project.write_text(project.read_text() + 'description = "More."\n')
    assert steps(clone.make("main")) == ["memory-lab itself", "a check of the packages (pip check)"]
    project.write_text(project.read_text() + "[tool.ruff]\nline-length = 90\n")
    assert clone.make("main").stdout == ""
    clone.lock("main", wheel(clone.wheels, "salt", "3.1"))
    changed = clone.make("main")
    assert "Rebuilding .venv: the lock has changed." in changed.stdout
    assert clone.installed() == {"made_up": "1", "salt": "3.1"}


@pytest.mark.slow
def test_packages_that_do_not_fit_together_are_refused_each_time_and_can_be_pinned_anew(clone):
    clone.lock("main", wheel(clone.wheels, "spice", "1.0", requires=["pepper>=2"]))
    for _ in range(2):
        failed = clone.make("main")
        said = sentence(failed)
        assert "are not compatible (spice 1.0 requires pepper, which is not installed.)" in said
    assert steps(failed) == ["a check of the packages (pip check)"]
    (clone.folder / "requirements" / "lock.py").write_text("print('pinned anew')\n")
    assert "pinned anew" in clone.make("lock").stdout


@pytest.mark.slow
def test_an_environment_of_another_python_is_replaced(clone):
    other = find_python("3.12" if sys.version_info[:2] != (3, 12) else "3.11")
    if other is None:
        pytest.skip("there is one Python only on this machine")
    subprocess.run([other, "-m", "venv", "--without-pip", clone.venv], check=True)
    result = clone.make("main")
    assert "Rebuilding .venv: this set-up did not create it." in result.stdout
    assert result.returncode == 0, result.stdout + result.stderr
    assert clone.installed() == MAIN


@pytest.fixture
def set_up(clone, monkeypatch):
    """The module install.py of the clone."""
    monkeypatch.syspath_prepend(clone.folder / "requirements")
    for name in ("install", "locked_pip", "record"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import install

    assert clone.venv == install.VENV
    return install


@pytest.mark.parametrize("marker", ["memory-lab.json", "memory-lab.new", "pyvenv.cfg"])
def test_what_an_interrupted_removal_leaves_can_be_removed(clone, set_up, monkeypatch, marker):
    (clone.venv / "lib").mkdir(parents=True)
    (clone.venv / marker).write_text("")

    def interrupted(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            set_up.remove("this set-up did not create it")
    assert (clone.venv / marker).exists()
    set_up.remove("this set-up did not create it")
    assert not clone.venv.exists()


@pytest.mark.parametrize("what", ["an empty folder", "a link", "a file"])
def test_what_is_in_the_place_of_the_environment_is_removed(clone, set_up, capsys, what):
    if what == "an empty folder":
        clone.venv.mkdir()
    elif what == "a link":
        clone.venv.symlink_to(clone.wheels)
    else:
        clone.venv.write_text("")
    set_up.remove("this set-up did not create it")
    assert capsys.readouterr().out == "Rebuilding .venv: this set-up did not create it.\n"
    assert not os.path.lexists(clone.venv)
    assert list(clone.wheels.iterdir())  # the link has gone, and what it led to has not


def test_a_folder_of_something_else_is_not_touched(clone):
    clone.venv.mkdir()
    (clone.venv / "thesis.txt").write_text("all of it")
    said = sentence(clone.make("main"))
    assert "is not a Python environment: move it elsewhere, then run this again." in said
    assert (clone.venv / "thesis.txt").read_text() == "all of it"


@pytest.mark.full
def test_a_python_that_is_named_makes_it_anew_and_one_that_is_not_does_not(clone):
    other = find_python("3.12" if sys.version_info[:2] != (3, 12) else "3.11")
    if other is None:
        pytest.skip("there is one Python only on this machine")
    assert clone.make("main", f"PYTHON={other}").returncode == 0
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    unnamed = subprocess.run(
        ["make", "--no-print-directory", "main"],
        cwd=clone.folder,
        env=clone.environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (unnamed.returncode, unnamed.stdout) == (0, "")
    named = clone.make("main")
    assert re.search(r"Rebuilding \.venv: it was created by Python 3\.1\d\.\d+ in ", named.stdout)


@pytest.mark.full
def test_an_environment_that_is_activated_is_made_anew_too(clone):
    assert clone.make("main").returncode == 0
    clone.lock("main", wheel(clone.wheels, "salt", "3.1"))
    activated = f"{clone.venv / 'bin'}:{os.environ['PATH']}"
    result = subprocess.run(
        ["make", "--no-print-directory", "main"],
        cwd=clone.folder,
        env=clone.environment(PATH=activated, VIRTUAL_ENV=str(clone.venv)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert clone.installed() == {"made_up": "1", "salt": "3.1"}


@pytest.mark.full
def test_a_clone_that_was_moved_is_set_up_anew(clone):
    assert clone.make("main").returncode == 0
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    clone.venv = clone.folder / ".venv"
    result = clone.make("main")
    assert "Rebuilding .venv: the folder was moved, or its Python" in result.stdout
    assert result.returncode == 0


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10"])
def test_an_old_python_is_refused_in_one_sentence(clone, version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    said = sentence(clone.make("main", f"PYTHON={python}"))
    assert f"is Python {version}, but 3.11 or newer is needed: choose another one" in said
    assert not clone.venv.exists()


def test_a_python_that_is_not_there_is_named(clone):
    said = sentence(clone.make("main", "PYTHON=python9"))
    assert "python9 was not found: install Python 3.11 or newer, or choose another one" in said


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_that_lacks_a_module_of_the_set_up_is_named(clone, tmp_path, module):
    said = sentence(clone.make("main", f"PYTHON={python_without(module, tmp_path / 'python')}"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert f"has no {module}: install it (Debian and Ubuntu: apt install {version}-venv)" in said
    assert not clone.venv.exists()


def python_without(module: str, folder: Path) -> Path:
    """Make a copy of this Python without one module, as some systems package it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base, library = Path(sys.base_prefix), folder / "lib" / version
    library.mkdir(parents=True)
    for path in (base / "lib" / version).iterdir():
        if path.name != module:
            (library / path.name).symlink_to(path)
    for path in (base / "lib").glob("libpython*"):
        (folder / "lib" / path.name).symlink_to(path)
    (folder / "bin").mkdir()
    return Path(shutil.copy((base / "bin" / version).resolve(), folder / "bin" / "python3"))


@pytest.mark.parametrize(
    ("reason", "mend"),
    [
        ("EROFS", "The set-up needs permission to write to "),
        ("ENOSPC", "The set-up needs permission to write to "),
        ("EIO", "fix that, then run this again."),
    ],
)
def test_a_folder_that_cannot_be_written_is_named(set_up, reason, mend):
    error = OSError(getattr(errno, reason), os.strerror(getattr(errno, reason)), "/there/.venv")
    said = set_up._explain(error)
    assert said.startswith(f"/there/.venv: {error.strerror}")
    assert mend in said


def test_an_error_of_the_system_is_a_sentence(clone):
    (clone.folder / "requirements" / "dev.txt").unlink()
    clone.venv.mkdir()
    (clone.venv / "memory-lab.json").write_text('{"folder": "", "base": "", "done": {"dev": ""}}')
    said = sentence(clone.make("dev"))
    assert "requirements/dev.txt: No such file or directory: fix that" in said


@pytest.mark.slow
def test_an_index_that_lacks_a_package_is_told_from_one_that_is_not_reached(clone):
    moved = clone.wheels.rename(clone.wheels.with_name("lost"))
    said = sentence(clone.make("main"))
    assert "the package index that pip uses has no spice" in said
    assert "set PIP_INDEX_URL to another index, or choose another Python" in said
    nobody = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/"}
    said = sentence(clone.make("main", PIP_RETRIES="1", **nobody))
    assert "no package index could be reached: connect to the network, or set PIP_INDEX_URL" in said
    moved.rename(clone.wheels)
    assert clone.make("main").returncode == 0


def free_port() -> int:
    with closing(socket.socket()) as ours:
        ours.bind(("127.0.0.1", 0))
        return int(ours.getsockname()[1])


@pytest.mark.slow
def test_another_file_than_the_one_that_is_locked_is_refused(clone):
    wheel(clone.wheels, "spice", "1.0", files={"spice.py": "VERSION = 'not that one'\n"})
    said = sentence(clone.make("main"))
    assert "the downloaded file of spice[hot]==1.0 is not the one in the lock: check" in said
    wheel(clone.wheels, "spice", "1.0", extras=["hot"])
    assert clone.make("main").returncode == 0


@pytest.fixture
def silent_index() -> Iterator[str]:
    """An index that accepts connections and never answers, so that pip waits."""
    with closing(socket.create_server(("127.0.0.1", 0))) as ours:
        yield f"http://127.0.0.1:{ours.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("how", "at"),
    [
        pytest.param(signal.SIGINT, "ensurepip", marks=pytest.mark.full),
        pytest.param(signal.SIGINT, "main.txt", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "ensurepip", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "main.txt", marks=pytest.mark.full),
        pytest.param(signal.SIGKILL, "ensurepip", marks=pytest.mark.full),
        pytest.param(signal.SIGKILL, "main.txt", marks=pytest.mark.slow),
    ],
)
def test_a_set_up_that_is_stopped_leaves_nothing_running_and_is_done_again(
    clone, silent_index, how, at
):
    waiting = clone.environment(PIP_NO_INDEX="0", PIP_INDEX_URL=silent_index)
    script = clone.folder / "requirements" / "install.py"
    run = subprocess.Popen(
        [sys.executable, script, "main"],
        cwd=clone.folder,
        env=waiting,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def running():
        """Return the processes of the step that is interrupted."""
        return [one for one in processes_naming(at) if one.cwd().startswith(str(clone.folder))]

    assert wait_until(running, 60)
    run.send_signal(how)
    _, said = run.communicate(timeout=30)
    if how == signal.SIGKILL:  # what is left holds the lock, and the next run waits for it
        for process in running() if at == "main.txt" else []:
            process.kill()
    else:
        assert not running()
        assert run.returncode == 130
        assert said.endswith("memory-lab: set-up stopped. Run the same command to start again.\n")
    result = clone.make("main")
    assert result.returncode == 0, result.stdout + result.stderr
    assert clone.installed() == MAIN
    assert not running()


INTERRUPTED_AT_ONCE = """
import os, signal, subprocess, sys
from pathlib import Path
import locked_pip

started = []
start = subprocess.Popen.__init__

def start_and_interrupt(process, *words, **options):
    start(process, *words, **options)
    started.append(process)
    os.kill(os.getpid(), signal.SIGINT)

locked_pip.environment = lambda python: os.environ
subprocess.Popen.__init__ = start_and_interrupt
code = "import subprocess; subprocess.run(['sleep', '60'])"
try:
    locked_pip.Run([sys.executable, "-c", code], Path(sys.argv[1]), 0).end()
except KeyboardInterrupt:
    print(started[0].returncode)
"""


def test_an_interrupt_in_the_moment_of_a_start_ends_what_was_started(tmp_path):
    (tmp_path / "pip.log").touch()
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_ONCE, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "requirements")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert run.stdout == f"{-signal.SIGTERM}\n", run.stderr


@pytest.mark.slow
def test_two_at_once_wait_for_each_other(clone):
    runs = [
        subprocess.Popen(
            clone.command("dev"),
            cwd=clone.folder,
            env=clone.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    output = sorted(run.communicate(timeout=120)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert output[0] == "Waiting for another set-up in this folder ...\n"
    assert clone.installed() == BOTH


@pytest.mark.full
def test_what_was_half_installed_is_made_anew(clone):
    assert clone.make("main").returncode == 0
    record = clone.venv / "memory-lab.json"
    begun = {**json.loads(record.read_text()), "begun": "dev"}
    record.write_text(json.dumps(begun))
    result = clone.make("dev")
    assert "Rebuilding .venv: an earlier set-up was interrupted." in result.stdout
    assert clone.installed() == BOTH


@pytest.mark.slow
def test_settings_of_pip_that_lead_elsewhere_have_no_effect(clone, tmp_path, monkeypatch):
    config = tmp_path / "pip.conf"
    elsewhere = tmp_path / "elsewhere"
    config.write_text(
        f"[global]\nno-index = true\nfind-links = {clone.wheels}\n"
        f"[install]\nuser = true\ntarget = {elsewhere}\nno-binary = :all:\n"
    )
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):  # the file is where pip finds the packages
        monkeypatch.setitem(clone.settings, name, "")
    result = clone.make(
        "main",
        PIP_CONFIG_FILE=str(config),
        PIP_PREFIX=str(elsewhere),
        PIP_QUIET="3",
        PYTHONPATH=str(tmp_path),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert clone.installed() == MAIN
    assert not elsewhere.exists()
