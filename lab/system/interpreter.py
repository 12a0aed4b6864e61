"""Command line and environment of child processes that import this package `lab`."""

import os
import sys
from pathlib import Path


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of the lab from any working folder.

    ``-P`` keeps the working folder, which may contain another package ``lab``, off ``sys.path``.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment_with_lab(**more: str) -> dict[str, str]:
    """Return the environment for a child that imports the same lab; ``more`` sets variables."""
    lab_path = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([lab_path, before]) if before else lab_path
    return {**os.environ, "PYTHONPATH": path, **more}
