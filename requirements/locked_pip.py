"""Run pip with the lock file only: its command and environment, progress, and error messages."""

import ast
import contextlib
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import IO

# The user chooses where packages come from. The lock decides which ones, and this set-up where to.
_USER_OPTIONS = frozenset(
    f"PIP_{name}"
    for name in (
        *("CACHE_DIR", "CERT", "CLIENT_CERT", "DEFAULT_TIMEOUT", "EXTRA_INDEX_URL"),
        *("FIND_LINKS", "INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY"),
        *("RETRIES", "TIMEOUT", "TRUSTED_HOST"),
    )
)
_NO_CONNECTION = re.compile(
    r"Retrying \(Retry|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
    r"|Connection (?:refused|reset|broken)|IncompleteRead"
)
_PIN = re.compile(r"^[\w.-]+(?:\[.*\])?==", re.MULTILINE)
_SECONDS_BETWEEN_LINES = 5
_SECONDS_TO_END = 5


class SetUpError(Exception):
    """One sentence that names the problem and how to fix it."""


def install_command(python: Path, *what: str) -> list[str]:
    """Return the pip command that installs the named packages from wheels, without dependencies."""
    options = ("--no-deps", "--no-user", "--only-binary", ":all:")
    return [str(python), "-m", "pip", "install", *options, *what]


def environment(python: str) -> dict[str, str]:
    """Return the environment variables for pip: of the user's options, only those for the source.

    They are also read from pip's configuration files, which pip itself then ignores, because these
    may contain other options, such as another target folder.

    Args:
        python: Path of the interpreter whose pip runs.
    """
    plain = {n: v for n, v in os.environ.items() if not n.startswith(("PIP_", "PYTHON"))}
    files = {n: v for n, v in os.environ.items() if n == "PIP_CONFIG_FILE"}
    listing = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(
        listing, env=plain | files, capture_output=True, text=True, check=False
    ).stdout
    options = {}
    for key, value in re.findall(r"^(?:global|install)\.([\w-]+)=(.+)$", listed, re.MULTILINE):
        options[f"PIP_{key.upper().replace('-', '_')}"] = str(ast.literal_eval(value))
    options |= os.environ
    return {
        **plain,
        **{name: options[name] for name in _USER_OPTIONS & options.keys()},
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def _end_group(process: "subprocess.Popen[str]") -> None:
    """End a process that leads a group, and wait until the whole group has ended."""
    deadline = time.monotonic() + _SECONDS_TO_END
    with contextlib.suppress(ProcessLookupError):  # the group is empty
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Run:
    """One run of a program, usually pip, with a progress line.

    Args:
        command: Command line.
        venv: Folder of the environment; the output is appended to `pip.log` in it.
        lock: Descriptor that the program inherits.

    Attributes:
        output: Output so far.
        installing: Whether pip has started to change the environment.
    """

    def __init__(self, command: list[str], venv: Path, lock: int) -> None:
        self.output = ""
        self.installing = False
        self._command = command
        self._venv = venv
        self._lock = lock

    def end(self) -> int:
        """Run to the end and return the exit code; an interrupt also ends the child processes."""
        pins = "".join(Path(word).read_text() for word in self._command if word.endswith(".txt"))
        total, before = len(_PIN.findall(pins)), self._installed()
        with (self._venv / "pip.log").open("a", encoding="utf-8") as log:
            # An interrupt waits until the process is known, or nobody would end it.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            process = None
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                    errors="replace",
                    env=environment(self._command[0]),
                    pass_fds=(self._lock,),
                    start_new_session=True,
                    preexec_fn=partial(  # noqa: PLW1509 - no other thread runs here
                        signal.pthread_sigmask, signal.SIG_SETMASK, mask
                    ),
                )
                reader = threading.Thread(target=self._read, args=(process.stdout, log))
                reader.start()
                line = _ProgressLine()
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                while process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.2)
                    if total:
                        line.show(self._progress(total, before))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                if process is not None:
                    _end_group(process)
                    reader.join()
                    line.end()
        return process.returncode

    def _read(self, lines: IO[str], log: IO[str]) -> None:
        for line in lines:
            with contextlib.suppress(OSError):  # the disk may be full; pip reports that
                log.write(line)
            self.output += line
            self.installing = self.installing or line.startswith("Installing collected packages")

    def _progress(self, total: int, before: int) -> str:
        total -= self.output.count("Ignoring ")  # packages for other platforms and Pythons
        if self.installing:
            return f"{self._installed() - before} of {total} installed"
        return f"{self.output.count('Collecting ')} of {total} downloaded"

    def _installed(self) -> int:
        return len(list(self._venv.glob("lib/python*/site-packages/*.dist-info")))

    def last_line(self) -> str:
        """Return the last line of the output."""
        return self.output.strip().rpartition("\n")[2]

    def why(self, folder: Path) -> str:
        """Return one sentence that explains why pip failed."""
        again = "then run this again"
        wanted = re.search(r"satisfies the requirement (\S+).*\(from versions: (.*)\)", self.output)
        other = re.search(r"DO NOT MATCH THE HASHES.*?\n\s+(\S+) from", self.output, re.DOTALL)
        unreached = wanted is None or wanted[2] == "none"
        if "No space left on device" in self.output:
            return f"the disk is full: free 2 GB in {folder} and {gettempdir()}, {again}."
        if other:
            return (
                f"the downloaded file of {other[1]} is not the one in the lock: "
                f"check the index that pip uses (pip config list), {again}."
            )
        if unreached and "CERTIFICATE_VERIFY_FAILED" in self.output:
            return (
                "the certificate of the package index is not trusted: "
                f"set PIP_CERT to a file with the certificate to trust, {again}."
            )
        if unreached and _NO_CONNECTION.search(self.output):
            return (
                "no package index could be reached: connect to the network, "
                f"or set PIP_INDEX_URL to a reachable index, {again}."
            )
        if wanted:
            return (
                f"the package index that pip uses has no {wanted[1]} for Python "
                f"{platform.python_version()} on {sys.platform}: set PIP_INDEX_URL to another "
                f"index, or choose another Python (make PYTHON=... table), {again}."
            )
        errors = re.findall(r"^ERROR: (.+)", self.output, re.MULTILINE)
        last = errors[-1] if errors else self.last_line()
        return f"pip failed ({last}): see {self._venv / 'pip.log'}, fix the cause, {again}."


class _ProgressLine:
    """A progress line: rewritten in place on a terminal, else printed every few seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._shown = ""
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def show(self, text: str) -> None:
        if text == self._shown:
            return
        if self._terminal:
            print(f"\r      {text:<30}", end="", flush=True)
            self._shown = text
        elif time.monotonic() >= self._next:
            print(f"      {text}", flush=True)
            self._shown = text
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def end(self) -> None:
        if self._terminal and self._shown:
            print(flush=True)
