"""Starting Python processes of our own, which find this package and no other of its name."""

import os
import sys
from pathlib import Path


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of the lab, whatever folder it is run in.

    ``-P`` keeps the current folder, which may hold a ``lab`` of somebody else's, off the path.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment_with_lab(**more: str) -> dict[str, str]:
    """Return our environment, in which the lab is found where the parent found it."""
    ours = str(Path(__file__).parent.parent)
    theirs = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([ours, theirs]) if theirs else ours
    return {**os.environ, "PYTHONPATH": path, **more}
