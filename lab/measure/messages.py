"""The messages between the parent and a measuring process: a line of JSON, and a file of JSON."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.curves.allocation_sites import Site
from lab.curves.curve import Reading, Witness
from lab.curves.elsewhere import Elsewhere
from lab.measure.memory_cap import CapOutcome

_LARGEST_ANSWER = 1 << 22
"""Bytes; an answer has at most 100 points of memory over time and 30 lines of code."""

_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and newline, marks that reorder a line, and surrogates."""


@dataclass(frozen=True)
class Task:
    """One run for a measuring process.

    Attributes:
        name: The name of the workload in messages.
        opener: As in `Workload`.
        arguments: As in `Workload`.
        warm_up: As in `Workload`.
        runs_itself: As in `Workload`.
        scratch: A folder for the files of this run.
        folder: The folder of the user's own code.
        path: ``sys.path`` of the parent.
        witness: The witness; None for a run under a cap.
        cap: Bytes over the warm process, for a run under a cap.
        env: As in `Workload`.
        token: Name of the file of the answer in ``scratch``, which nobody can guess.
    """

    name: str
    opener: str
    arguments: Mapping[str, Any]
    warm_up: Mapping[str, Any] | None
    runs_itself: bool
    scratch: str
    folder: str
    path: list[str]
    witness: Witness | None = None
    cap: int = 0
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str = field(default_factory=secrets.token_hex)

    @property
    def answer_file(self) -> Path:
        """The file to which the measuring process writes its answer."""
        return Path(self.scratch, self.token)

    def to_json(self) -> bytes:
        """Return the task as one line."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of_json(cls, line: bytes) -> "Task":
        """Read a task from the line that `to_json` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Answer:
    """The result of a task: a reading, the outcome under a cap, or a failure.

    Attributes:
        reading: The witness's reading.
        run_seconds: Seconds of the run, without process start, inputs and warm-up.
        outcome: ``finished`` or ``out of memory``, for a run under a cap.
        reason: The error of a run that ran out of memory.
        digest: The digest of its answer, for a run under a cap that finished.
        failure: One sentence, if there is neither reading nor outcome.
        details: For a failure, its traceback or the last lines of the process's output.
        signal: The number of the signal that ended the process; 0 for none.
    """

    reading: Reading | None = None
    run_seconds: float = 0
    outcome: CapOutcome | None = None
    reason: str = ""
    digest: str = ""
    failure: str = ""
    details: str = ""
    signal: int = 0

    def with_reading(self, **changes: Any) -> "Answer":
        """Return the answer with changes to its reading, if it has one."""
        if self.reading is None:
            return self
        return replace(self, reading=replace(self.reading, **changes))

    def with_elsewhere(self, watched: Mapping[str, Any]) -> "Answer":
        """Return the answer with what the watcher saw; the process has measured its own rise."""
        if self.reading is None or not watched:
            return self
        own = self.reading.elsewhere
        both = {**_printable_texts(watched), "resident": own.resident, "pool": own.pool}
        return self.with_reading(elsewhere=_elsewhere(both))

    def to_json(self) -> bytes:
        """Return the answer as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of_json(cls, text: bytes) -> "Answer":
        """Read an answer that `to_json` wrote, with printable texts."""
        fields = _printable_texts(json.loads(text))
        if (reading := fields["reading"]) is not None:
            reading["series"] = tuple(map(tuple, reading["series"]))
            reading["sites"] = tuple(Site(**site) for site in reading["sites"])
            reading["elsewhere"] = _elsewhere(reading["elsewhere"])
            fields["reading"] = Reading(**reading)
        return cls(**fields)

    @classmethod
    def of_task(cls, task: Task) -> "Answer | None":
        """Read the answer to a task; None if its process ended before it had written all."""
        try:
            with task.answer_file.open("rb") as file:
                return cls.of_json(file.read(_LARGEST_ANSWER))
        except (OSError, ValueError, TypeError, KeyError):
            return None


def printable(text: str) -> str:
    r"""Return a text of measured code with escapes such as ``\x1b`` for what cannot be printed."""
    return _UNPRINTABLE.sub(
        lambda match: match[0].encode("unicode_escape").decode(), text.replace("\r\n", "\n")
    )


def _printable_texts(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable_texts(item) for item in value]
    if isinstance(value, dict):
        return {_printable_texts(name): _printable_texts(item) for name, item in value.items()}
    return value


def _elsewhere(fields: Mapping[str, Any]) -> Elsewhere:
    return Elsewhere(**{**fields, "commands": tuple(fields["commands"])})
