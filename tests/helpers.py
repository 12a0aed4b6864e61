"""What several tests need: running the command, and looking for what was left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from lab.measure.verdict import RESOLUTION

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
