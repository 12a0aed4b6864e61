"""A terminal for notebooks: runs commands in a temporary folder and prints their output."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

_MODULES = {"lab": "lab.cli", "pytest": "pytest"}
_PLAIN = {"FORCE_COLOR": "", "CLICOLOR_FORCE": "0", "TERM": "dumb", "COLUMNS": "100"}
"""Without these, a kernel's child processes print colours and redraw progress bars."""


class Terminal:
    """Called as ``terminal("lab check")``; runs the lab and pytest of the kernel's Python.

    Attributes:
        folder: Where commands run; it is deleted with the terminal.
    """

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="memory-lab-"))
        finalize(self, rmtree, self.folder, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, command: str) -> None:
        """Run a command; print it, its output and its exit code."""
        name, *words = shlex.split(command)
        done = subprocess.run(
            [sys.executable, "-m", _MODULES[name], *words],
            cwd=self.folder,
            env={**os.environ, **_PLAIN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(f"$ {command}\n{done.stdout.strip()}\n\nexit code {done.returncode}")
