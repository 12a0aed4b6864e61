"""What a user of the application asks for, and what all of them are told to do."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.errors import LabError, nearest

MANNERS = {"fast": "fast", "slow": "slow", "hanging-up": "hung up"}
"""How a user reads, or sends: as fast as it can, at a few hundred kB/s, or not to the end; and the
word for it in statistics.
"""

PLAN = "MEMORY_LAB_PLAN"
"""The variable that tells a Locust process its plan."""


@dataclass(frozen=True)
class Job:
    """One request of the application.

    Attributes:
        name: What it is called in statistics.
        kind: ``export``, ``download``, ``upload``, ``aggregate``, or ``request`` for anybody's.
        method: GET, POST and so on.
        path: Without the role's prefix.
        headers: Sent with it.
        upload: Bytes of a CSV of users to send as a form; 0 for no body.
        answer: What every answer must have in common; empty where answers may differ.
        warm: A smaller request of the kind, by which a server gets warm; empty for none.
    """

    name: str
    kind: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: int = 0
    answer: str = ""
    warm: str = ""


@dataclass(frozen=True)
class Plan:
    """What the users do; the same text goes to every Locust process.

    Attributes:
        jobs: The requests.
        host: ``http://127.0.0.1:PORT``; nobody can point the users elsewhere, on Locust's page say.
        roles: Prefixes of the paths, in turns; an empty one for none.
        rounds: How often each user goes through all jobs, all users beginning at once; 0 for as
            often as there is time, each user with the jobs of its kind.
        seconds: After which no user begins another request; 0 for no end.
        pause: Seconds between two requests of a user.
        rate: Bytes a second of a slow user.
        patience: Seconds for which a user that is told to come back (503) does so.
        every: Seconds between two looks at the server.
        pid: The server's process, where it runs on this machine.
        report: The file that the figures are written to.
    """

    jobs: tuple[Job, ...]
    host: str = ""
    roles: tuple[str, ...] = ("",)
    rounds: int = 0
    seconds: float = 0
    pause: float = 0.1
    rate: float = 500_000
    patience: float = 60
    every: float = 1.0
    pid: int = 0
    report: str = ""

    def as_json(self) -> str:
        """Write the plan as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Plan":
        """Read what `as_json` wrote."""
        found: dict[str, Any] = json.loads(text)
        jobs = tuple(Job(**job) for job in found.pop("jobs"))
        return cls(jobs, roles=tuple(found.pop("roles")), **found)


def lesson_jobs(rows: int, file_bytes: int, upload: int, token: str) -> tuple[Job, ...]:
    """List what users of the lesson's application do.

    Args:
        rows: Rows of an export, and rows whose tags are counted.
        file_bytes: Size of the download.
        upload: Bytes of the CSV that is imported.
        token: What the application lets exporters in with.
    """
    headers = {"Authorization": f"Bearer {token}"}

    def get(name: str, kind: str, path: str, warm: str) -> Job:
        return Job(name, kind, "GET", path, headers, warm=warm)

    export, counts = "/posts/export.csv?rows=", "/stats/tag-counts?rows="
    file, importing = "/downloads/", "/users/import"
    return (
        get("export", "export", f"{export}{rows}", f"{export}1000"),
        get("download", "download", f"{file}download-{file_bytes}.bin", f"{file}download-1000.bin"),
        Job("upload", "upload", "POST", importing, headers, upload=upload, warm=importing),
        get("aggregate", "aggregate", f"{counts}{rows}", f"{counts}1000"),
    )


def chosen(jobs: tuple[Job, ...], names: str) -> tuple[Job, ...]:
    """Return the jobs that a list such as ``export,download`` names.

    Raises:
        LabError: There is none of a name.
    """
    by_name = {job.name: job for job in jobs}
    for name in names.split(","):
        if name not in by_name:
            raise LabError(f"unknown job {name!r}: {nearest(name, list(by_name))}")
    return tuple(by_name[name] for name in names.split(","))
