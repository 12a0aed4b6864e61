"""The record of the set-up in `.venv`: which steps are complete, with checksums of their inputs."""

import hashlib
import json
import platform
import sys
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from locked_pip import SetUpError

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RECORD = VENV / "memory-lab.json"
MARKERS = {"memory-lab.json", "memory-lab.new", "pyvenv.cfg"}
"""Files that identify `.venv` as an environment; they are removed last."""


@dataclass
class Record:
    """The state of `.venv`, stored in a file in it.

    Attributes:
        folder: Path where `.venv` was created, which its scripts contain.
        base: Version and folder of the Python that created it.
        python: Path that its Python links to.
        done: Complete steps, each with the checksum of its input.
        begun: The step that was started and is not complete, or None.
    """

    folder: str
    base: str
    python: str | None = None
    done: dict[str, str] = field(default_factory=dict)
    begun: str | None = None

    @classmethod
    def read(cls) -> "Record | None":
        """Return the record in `.venv`, or None if it is missing or not readable."""
        try:
            record = cls(**json.loads(RECORD.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return record if isinstance(record.done, dict) else None

    def write(self) -> None:
        """Replace the file atomically, so that a killed run leaves a complete one."""
        unfinished = RECORD.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        unfinished.replace(RECORD)

    def unusable(self, chosen: bool) -> str | None:
        """Return why `.venv` has to be rebuilt, or None if it can be used."""
        if self.begun:
            return "an earlier set-up was interrupted"
        if (self.folder, self.python) != (str(VENV), python_file()):
            return "the folder was moved, or its Python was removed or updated"
        if chosen and self.base != base():
            return f"it was created by Python {self.base}"
        if any(self.done.get(layer, digest(layer)) != digest(layer) for layer in ("main", "dev")):
            return "the lock has changed"
        return None


def digest(step: str) -> str:
    """Return the checksum of a step's input."""
    if step == "project":
        try:
            declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SetUpError(f"pyproject.toml cannot be read ({error}): fix it.") from None
        inputs = [declared.get("project"), declared.get("build-system")]
        content = json.dumps(inputs, sort_keys=True).encode()
    elif step == "check":
        content = b""
    else:
        content = (LOCKS / f"{step}.txt").read_bytes()
    return hashlib.sha256(content).hexdigest()


def python_file() -> str | None:
    """Return the path that the Python in `.venv` links to, or None if it is missing."""
    return str(PYTHON.resolve()) if PYTHON.exists() else None


def base() -> str:
    """Return the version and the folder of the running Python."""
    return f"{platform.python_version()} in {sys.base_prefix}"
