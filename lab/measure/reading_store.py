"""Readings from earlier in the same run, so that nothing is measured twice."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from lab.curves.curve import Reading, Witness
from lab.measure.environment import environment
from lab.measure.messages import Answer
from lab.measure.workload import Workload


class ReadingStore:
    """A folder of readings that several processes share; the first that needs one measures it.

    A reading is used again only for the same workload, the same code of the lab and the same
    environment. Only the lab's own variants are stored, since the code of others may have changed;
    times are not, since they depend on what else the machine does.

    Args:
        folder: Made when it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def reading(
        self, workload: Workload, witness: Witness, measure: Callable[[], Reading]
    ) -> Reading:
        """Return the stored reading, or measure and store it; one with an error is not stored.

        Raises:
            LabError: As ``measure`` does.
        """
        if witness == "seconds" or not workload.stored:
            return measure()
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{_key(workload, witness)}.json"
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if file.exists():
                stored = Answer.of_json(file.read_bytes()).reading
                assert stored is not None
                return stored
            reading = measure()
            if reading.error is None:
                part = file.with_suffix(".part")
                part.write_bytes(Answer(reading).to_json())
                os.replace(part, file)
            return reading


def _key(workload: Workload, witness: Witness) -> str:
    described = [
        workload.name,
        workload.opener,
        dict(workload.arguments),
        workload.warm_up and dict(workload.warm_up),
        witness,
        _code(),
        environment(),
    ]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """Return a digest of every source file of the lab."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
