"""A student's progress: predictions, measurements, answers and grades in one JSON file.

Several notebooks may be open at once, so each change takes a lock and replaces the whole file.
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

_VARIABLE = "MEMORY_LAB_COURSE"
_FILE = "progress.json"


def folder() -> Path:
    """Return the folder of the progress file, and create it if necessary.

    It is ``MEMORY_LAB_COURSE``, or ``course`` in the lab's home.

    Raises:
        LabError: The folder cannot be created.
    """
    chosen = os.environ.get(_VARIABLE)
    path = Path(chosen).expanduser().absolute() if chosen else home() / "course"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"cannot create {path} ({error.strerror}): set {_VARIABLE} to a folder that you can "
            "write to."
        ) from None
    return path


def read_all() -> dict[str, dict[str, Any]]:
    """Return the steps of each lesson, by lesson number.

    Raises:
        LabError: The file is damaged.
    """
    path = folder() / _FILE
    if not path.exists():
        return {}
    try:
        lessons = json.loads(path.read_text("utf-8"))
        return {str(number): dict(steps) for number, steps in lessons.items()}
    except (ValueError, AttributeError, TypeError):
        raise LabError(
            f"{path} is damaged: run `lab course reset` to delete it and start again."
        ) from None


def reset(number: str | None = None) -> None:
    """Delete the progress of one lesson; without a number, the file, even if it is damaged."""
    with _locked():
        if number is None:
            (folder() / _FILE).unlink(missing_ok=True)
            return
        lessons = read_all()
        lessons.pop(number, None)
        _write(lessons)


class Progress:
    """The steps of one lesson: reads and changes them in the file."""

    def __init__(self, number: str) -> None:
        self._number = number

    def get(self, step: str) -> Any:
        """Return the value of a step, or None."""
        return read_all().get(self._number, {}).get(step)

    def keep(self, step: str, value: Any) -> None:
        """Save the value of a step, which must be JSON, and the time."""
        with _locked():
            lessons = read_all()
            steps = lessons.setdefault(self._number, {})
            steps[step] = value
            steps.setdefault("moments", {})[step] = datetime.now(UTC).isoformat(timespec="seconds")
            _write(lessons)

    def keep_first(self, step: str, value: Any) -> Any:
        """Save the value of a step if it has none; return the saved value."""
        saved = self.get(step)
        if saved is None:
            self.keep(step, value)
            return value
        return saved


@contextmanager
def _locked() -> Iterator[None]:
    with (folder() / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(lessons: dict[str, Any]) -> None:
    path = folder() / _FILE
    with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(lessons, file, indent=1)
    Path(file.name).replace(path)
