"""Progress: what a student predicted, measured, answered and passed, kept in one file of theirs.

Several notebooks may be open at once, so every change is made under a lock, and the file is
replaced as a whole.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from lab.data.home import home
from lab.errors import LabError

STEPS = ("predicted", "measured", "exercise", "quiz")
"""What there is to do in a notebook, in its order."""

_VARIABLE = "MEMORY_LAB_COURSE"
_FILE = "progress.json"


def folder() -> Path:
    """Return where progress is kept: ``MEMORY_LAB_COURSE``, or ``course`` in the lab's home.

    Raises:
        LabError: It cannot be made.
    """
    chosen = os.environ.get(_VARIABLE)
    found = Path(chosen).expanduser().absolute() if chosen else home() / "course"
    try:
        found.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"cannot make {found} ({error.strerror}): set {_VARIABLE} to a folder of yours."
        ) from None
    return found


def read_all() -> dict[str, dict[str, Any]]:
    """Return what is known of every lesson, by its number.

    Raises:
        LabError: The file is damaged.
    """
    path = folder() / _FILE
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(number): dict(of) for number, of in found.items()}
    except (ValueError, AttributeError, TypeError):
        raise LabError(
            f"{path} is damaged: remove it, or run `lab course reset`, and start anew."
        ) from None


def reset(number: str | None = None) -> None:
    """Forget one lesson, or all of them, a damaged file as well."""
    with _locked():
        if number is None:
            (folder() / _FILE).unlink(missing_ok=True)
            return
        everything = read_all()
        everything.pop(number, None)
        _write(everything)


class Progress:
    """What is known of one lesson."""

    def __init__(self, number: str) -> None:
        self._number = number

    def get(self, step: str) -> Any:
        """Return what was kept for a step, or None."""
        return read_all().get(self._number, {}).get(step)

    def keep(self, step: str, what: Any) -> None:
        """Keep something for a step, with the moment; it must survive JSON."""
        with _locked():
            everything = read_all()
            mine = everything.setdefault(self._number, {})
            mine[step] = what
            mine.setdefault("moments", {})[step] = datetime.now(UTC).isoformat(timespec="seconds")
            _write(everything)

    def keep_first(self, step: str, what: Any) -> Any:
        """Keep something unless there is something already; return what is kept."""
        kept = self.get(step)
        if kept is None:
            self.keep(step, what)
            return what
        return kept


@contextmanager
def _locked() -> Iterator[None]:
    with (folder() / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(everything: dict[str, Any]) -> None:
    path = folder() / _FILE
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(everything, file, indent=1)
    Path(file.name).replace(path)
