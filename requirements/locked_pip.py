"""pip, kept to the lock: its command and environment, how far it is, and why it failed."""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

# Where packages come from is the user's to say; which ones, and where they go, is the lock's.
_OPTIONS_OF_THE_USER = frozenset(
    f"PIP_{name}"
    for name in (
        *("CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "DEFAULT_TIMEOUT", "EXTRA_INDEX_URL"),
        *("FIND_LINKS", "INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY"),
        *("RETRIES", "TIMEOUT", "TRUSTED_HOST"),
    )
)
_NO_CONNECTION = re.compile(
    r"Retrying \(Retry|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
    r"|CERTIFICATE_VERIFY_FAILED|Connection (?:refused|reset|broken)|IncompleteRead"
)
_PIN = re.compile(r"^[\w.-]+(?:\[.*\])?==", re.MULTILINE)
_SECONDS_BETWEEN_LINES = 5


class SetUpError(Exception):
    """One sentence: what is wrong, and what to do about it."""


def install_command(python: Path, *what: str) -> list[str]:
    """Return the command that installs just what is named, from wheels, into a Python's folder."""
    options = ("--no-deps", "--no-user", "--only-binary", ":all:")
    return [str(python), "-m", "pip", "install", *options, *what]


def environment() -> dict[str, str]:
    """Return the environment of a pip: the user's choices of source, and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON")) or name in _OPTIONS_OF_THE_USER
    }
    return kept | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


class Pip:
    """One run of pip that says how far it is; `pip.log` in the environment has its own words.

    Args:
        command: What to run.
        venv: The environment that it works in.
        lock: A descriptor for it to inherit.

    Attributes:
        output: What it has written.
        installing: Whether it has begun to change the environment.
    """

    def __init__(self, command: list[str], venv: Path, lock: int) -> None:
        self.output = ""
        self.installing = False
        self._command = command
        self._venv = venv
        self._lock = lock

    def run(self) -> int:
        """Run to the end and return the exit code."""
        pins = "".join(Path(word).read_text() for word in self._command if word.endswith(".txt"))
        total, before = len(_PIN.findall(pins)), self._installed()
        with (self._venv / "pip.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env=environment(),
                pass_fds=(self._lock,),
            )
            reader = threading.Thread(target=self._read, args=(process.stdout, log))
            reader.start()
            line = _ProgressLine()
            try:
                while process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.2)
                    if total:
                        line.show(self._progress(total, before))
            finally:
                process.terminate()
                process.wait()
                reader.join()
                line.end()
        return process.returncode

    def _read(self, lines: IO[str], log: IO[str]) -> None:
        for line in lines:
            with contextlib.suppress(OSError):  # the disk may be full; pip says so
                log.write(line)
            self.output += line
            self.installing = self.installing or line.startswith("Installing collected packages")

    def _progress(self, total: int, before: int) -> str:
        total -= self.output.count("Ignoring ")  # for other platforms and Pythons
        if self.installing:
            return f"{self._installed() - before} of {total} installed"
        return f"{self.output.count('Collecting ')} of {total} downloaded"

    def _installed(self) -> int:
        return len(list(self._venv.glob("lib/python*/site-packages/*.dist-info")))

    def why(self, folder: Path) -> str:
        """Say in one sentence why it failed."""
        again = "then run this again"
        wanted = re.search(r"satisfies the requirement (\S+)", self.output)
        other = re.search(r"DO NOT MATCH THE HASHES.*?\n\s+(\S+) from", self.output, re.DOTALL)
        python = f"Python {platform.python_version()} on {sys.platform}"
        if "No space left on device" in self.output:
            free = shutil.disk_usage(folder).free / 1e9
            return f"the disk is full ({free:.1f} GB free): make room for 2 GB, {again}."
        if other:
            return (
                f"{other[1]} is another file than the one that is locked: "
                f"look where pip gets it from (pip config list), {again}."
            )
        if _NO_CONNECTION.search(self.output):
            return (
                "no package index could be reached: connect to the network, "
                f"or name an index that can be reached (PIP_INDEX_URL), {again}."
            )
        if wanted:
            return (
                f"the package index that pip is set to use has no {wanted[1]} for {python}: "
                f"name one that has (PIP_INDEX_URL), {again}."
            )
        lines = re.findall(r"^ERROR: (.+)", self.output, re.MULTILINE) or self.output.splitlines()
        last = lines[-1] if lines else "without a word"
        return f"pip failed ({last}): see {self._venv / 'pip.log'}, mend that, {again}."


class _ProgressLine:
    """A line that is rewritten on a terminal, and written every few seconds elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._shown = ""
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def show(self, text: str) -> None:
        if text == self._shown:
            return
        if self._terminal:
            print(f"\r      {text} ", end="", flush=True)
            self._shown = text
        elif time.monotonic() >= self._next:
            print(f"      {text}", flush=True)
            self._shown = text
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def end(self) -> None:
        if self._terminal and self._shown:
            print(flush=True)
