"""What several tests need: running the command, and looking for what was left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import psutil
import pytest

from lab.curves.limits import RESOLUTION

WHOLE_TABLE = 256_000
"""Rows of the suite's table of posts: as many as the largest sweep of `make test` wants."""

MORE_CROWDS = (2, 3, 4, 6, 8, 10, 12, 14, 16)
"""Numbers of clients that tell a cost per client from chance where `lab.pattern.CROWDS` cannot."""


def just_above(peak: float, held: int) -> bool:
    """Tell whether a peak is what was held by construction, and little more.

    The rest is the interpreter's own: some kilobytes that differ between Pythons. Up to the
    resolution of the heap the lab takes them for noise, and so does a test.
    """
    return held <= peak < held + RESOLUTION["heap"]


@dataclass(frozen=True)
class Called:
    """The result of a command that was called in this process."""

    returncode: int
    stdout: str
    stderr: str


def call_lab(*words: str, cwd: Path | None = None) -> Called:
    """Call the `lab` command in this process: as `run_lab`, without the start of a Python."""
    from lab.cli import main

    out, err = StringIO(), StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["lab", *words])
        patch.setenv("MEMORY_LAB_DEBUG", "")  # the option --debug sets it
        patch.chdir(cwd or Path.cwd())
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            signal.signal(signal.SIGTERM, handler)
    return Called(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def run_lab(
    *words: str, cwd: Path | None = None, env: dict[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the `lab` command as a user would, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "lab.cli", *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_until(true: Callable[[], object], seconds: float = 15) -> bool:
    """Wait for something to become true, and tell whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


def processes_naming(*texts: str) -> list[psutil.Process]:
    """Return the live processes whose command line names all of these."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            named = all(any(text in word for word in words) for text in texts)
            if named and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found
