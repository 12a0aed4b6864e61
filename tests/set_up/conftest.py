"""Fixtures for installing: a new user's environment, and newer releases of all packages."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.set_up.fake_packages import wheel
from tests.set_up.new_environment import locked


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """The environment of a new user: an empty home, and only the cache of pip from this run."""
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


@pytest.fixture(scope="session")
def newer_releases(tmp_path_factory):
    """A folder with a newer release of every locked package."""
    folder = tmp_path_factory.mktemp("newer")
    for name in locked():
        wheel(folder, name.replace("-", "_"), "99999")
    return folder
