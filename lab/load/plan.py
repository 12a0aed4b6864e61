"""The requests that Locust users send, and the plan that every Locust process follows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.errors import LabError, nearest

BEHAVIOURS = {"fast": "fast", "slow": "slow", "hanging-up": "hung up"}
"""How a user reads or sends, by Locust tag, with the word for it in statistics: at full speed, at a
few hundred kB/s, or disconnecting before the end.
"""

PLAN = "MEMORY_LAB_PLAN"
"""Environment variable that holds the plan of a Locust process as JSON."""


@dataclass(frozen=True)
class UserRequest:
    """One request to the application.

    Attributes:
        name: Its name in statistics.
        kind: ``export``, ``download``, ``upload``, ``aggregate``; ``request`` for other
            applications.
        method: GET, POST and so on.
        path: Path and query, without the role's prefix.
        headers: Request headers.
        upload: Bytes of a CSV of users to send as a form; 0 for no body.
        expected: Fingerprint of a correct answer (`lab.load.request.fingerprint`); empty if answers
            may differ.
        warm: Path of a smaller request that warms the server; empty for none.
    """

    name: str
    kind: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: int = 0
    expected: str = ""
    warm: str = ""


def user_class(kind: str) -> str:
    """Return the name of the class in `lab.load.locust_users` that sends requests of a kind."""
    return f"{kind.capitalize()}User"


@dataclass(frozen=True)
class Plan:
    """What the users do; every Locust process receives the same JSON.

    Attributes:
        jobs: The requests.
        host: ``http://127.0.0.1:PORT``; overrides the host that Locust's web page sets.
        roles: Prefixes of the paths, used in turn; one empty prefix for none.
        rounds: How often each user sends all jobs, all users starting together; 0 for as often as
            time allows, each user with the jobs of its kind.
        seconds: Time after which no user starts a request; 0 for no end.
        pause: Seconds between two requests of a user.
        rate: Bytes per second of a slow user.
        retry_seconds: Seconds for which a user repeats a request that gets 503 with Retry-After.
        sample_interval: Seconds between two samples of the server.
        pid: Process id of the server if it runs on this machine, else 0.
        report: File to write the result to.
    """

    jobs: tuple[UserRequest, ...]
    host: str = ""
    roles: tuple[str, ...] = ("",)
    rounds: int = 0
    seconds: float = 0
    pause: float = 0.1
    rate: float = 500_000
    retry_seconds: float = 60
    sample_interval: float = 1.0
    pid: int = 0
    report: str = ""

    def as_json(self) -> str:
        """Return the plan as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Plan":
        """Read a plan from the JSON of `as_json`."""
        fields: dict[str, Any] = json.loads(text)
        jobs = tuple(UserRequest(**job) for job in fields.pop("jobs"))
        return cls(jobs, roles=tuple(fields.pop("roles")), **fields)


def lesson_jobs(rows: int, file_bytes: int, upload: int, token: str) -> tuple[UserRequest, ...]:
    """List the requests of users of the lesson's application.

    Args:
        rows: Rows of an export, and rows whose tags are counted.
        file_bytes: Size of the download.
        upload: Bytes of the CSV that is imported.
        token: Bearer token that allows exports.
    """
    headers = {"Authorization": f"Bearer {token}"}

    def get(name: str, kind: str, path: str, warm: str) -> UserRequest:
        return UserRequest(name, kind, "GET", path, headers, warm=warm)

    export, counts = "/posts/export.csv?rows=", "/stats/tag-counts?rows="
    file, importing = "/downloads/", "/users/import"
    return (
        get("export", "export", f"{export}{rows}", f"{export}1000"),
        get("download", "download", f"{file}download-{file_bytes}.bin", f"{file}download-1000.bin"),
        UserRequest("upload", "upload", "POST", importing, headers, upload=upload, warm=importing),
        get("aggregate", "aggregate", f"{counts}{rows}", f"{counts}1000"),
    )


def jobs_named(names: str, jobs: tuple[UserRequest, ...]) -> tuple[UserRequest, ...]:
    """Return the jobs of a list of names such as ``export,download``.

    Raises:
        LabError: No job has one of the names.
    """
    by_name = {job.name: job for job in jobs}
    for name in names.split(","):
        if name not in by_name:
            raise LabError(f"unknown job {name!r}: {nearest(name, list(by_name))}")
    return tuple(by_name[name] for name in names.split(","))
