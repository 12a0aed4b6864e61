"""What has been done in `.venv`: a file there that says which steps ended, and from what."""

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
"""Files by which `.venv` is known to be an environment, removed after all others."""


@dataclass
class Record:
    """What has been done in `.venv`, kept in a file there.

    Attributes:
        folder: Where `.venv` was made; its programs name that path.
        base: Version and folder of the Python that made it.
        python: The file that its Python is a link to.
        done: The steps that ended, each with the checksum of what it was made from.
        begun: The step that has begun and has not ended.
    """

    folder: str
    base: str
    python: str | None = None
    done: dict[str, str] = field(default_factory=dict)
    begun: str | None = None

    @classmethod
    def read(cls) -> "Record | None":
        """Return the record in `.venv`, or None where there is none that can be read."""
        try:
            record = cls(**json.loads(RECORD.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return record if isinstance(record.done, dict) else None

    def write(self) -> None:
        """Replace the file at once, so that a killed run leaves a whole one."""
        unfinished = RECORD.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        unfinished.replace(RECORD)

    def unusable(self, chosen: bool) -> str | None:
        """Say why this `.venv` cannot be built upon, or return None if it can."""
        if self.begun:
            return "an earlier set-up did not end"
        if (self.folder, self.python) != (str(VENV), python_file()):
            return "the folder was moved, or the Python that made it was removed or updated"
        if chosen and self.base != base():
            return f"it was made by Python {self.base}"
        if any(self.done.get(layer, digest(layer)) != digest(layer) for layer in ("main", "dev")):
            return "other versions are locked now"
        return None


def digest(step: str) -> str:
    """Return the checksum of what a step is made from."""
    if step == "project":
        try:
            declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SetUpError(f"pyproject.toml cannot be read ({error}): mend it.") from None
        built_from = [declared.get("project"), declared.get("build-system")]
        content = json.dumps(built_from, sort_keys=True).encode()
    elif step == "check":
        content = b""
    else:
        content = (LOCKS / f"{step}.txt").read_bytes()
    return hashlib.sha256(content).hexdigest()


def python_file() -> str | None:
    """Return the file that the Python in `.venv` is a link to, or None where that has gone."""
    return str(PYTHON.resolve()) if PYTHON.exists() else None


def base() -> str:
    """Return the version and the folder of the Python that runs this."""
    return f"{platform.python_version()} in {sys.base_prefix}"
