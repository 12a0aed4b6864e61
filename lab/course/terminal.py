"""A terminal for notebooks: commands run in a folder of their own, and what they say is printed."""

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
"""A kernel asks what it starts for colours, and a progress bar would be drawn again and again."""


class Terminal:
    """Called as ``terminal("lab check")``; it runs the kernel's own lab and pytest.

    Attributes:
        folder: Where commands run; it is gone when the terminal is.
    """

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="memory-lab-"))
        finalize(self, rmtree, self.folder, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Write a file in the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, command: str) -> None:
        """Run a command; print it, its output, and how it ended."""
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
