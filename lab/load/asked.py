"""What `lab load` was asked for, put in the terms of a load."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.errors import LabError, nearest
from lab.load.job import Job, chosen, lesson_jobs
from lab.load.steps import Served
from lab.measure.endpoint import Endpoint
from lab.units import parse_bytes, parse_sizes

APP = "lab.web.app:app"
POOL = "MEMORY_LAB_POOL"
_ROLES = ("naive", "trap", "streaming", "tuned")
FILE = 5_000_000
"""Bytes of the file that is downloaded."""
UPLOAD = 1_000_000
"""Bytes of the CSV that is uploaded."""
_PLAIN = ("http", "", "", "")
_NEAR = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
)
_QUICK = 10
"""How many times fewer rows a quick look has."""


@dataclass(frozen=True)
class Asked:
    """Options as they were given; None or empty where they were not.

    Attributes:
        requests: Of an application of the reader's.
        app: That application.
        headers: Sent with its requests.
        jobs: Names of the lesson's jobs, with commas between them.
        variants: Roles, likewise.
        rows: Rows of an export.
        users: One number, or several.
        cap: An amount of memory, or ``none``.
        timeout: Seconds for a step.
        quick: A tenth of the rows, a quarter of the memory, fewer users.
        mixed: A mixed load, for some time.
    """

    requests: Sequence[str]
    app: str | None
    headers: Sequence[str]
    jobs: str | None
    variants: str | None
    rows: int | None
    users: str | None
    cap: str | None
    timeout: float
    quick: bool
    mixed: bool

    def served(self) -> Served:
        """Return the application, its jobs and its cap.

        Raises:
            LabError: An option makes no sense.
        """
        if self.app is not None:
            return Served(self.app, self._requests(), self.cap_bytes, "", timeout=self.timeout)
        return Served(APP, self._lesson(), self.cap_bytes, POOL, timeout=self.timeout)

    def _requests(self) -> tuple[Job, ...]:
        if self.jobs or self.variants or self.rows:
            raise LabError("jobs, variants and rows are the lesson's: leave them out with --app.")
        found = [Endpoint.parse(text, str(self.app), self.headers) for text in self.requests]
        return tuple(Job(one.path, "request", one.method, one.path, one.headers) for one in found)

    def _lesson(self) -> tuple[Job, ...]:
        from lab.tokens import token

        if self.headers:
            raise LabError("headers are for requests of yours: add --app.")
        every = lesson_jobs(self.lesson_rows, FILE, UPLOAD, token())
        usual = ",".join(job.name for job in every) if self.mixed else "export"
        return chosen(every, self.jobs or usual)

    @property
    def lesson_rows(self) -> int:
        """Rows that an export has, and that there must be."""
        usual = 20_000 if self.mixed else 1_000_000
        return self.rows or (usual // _QUICK if self.quick else usual)

    @property
    def cap_bytes(self) -> int:
        """Bytes that a server may take more than it is warm with; 0 for no cap."""
        if self.cap == "none" or (self.cap is None and self.mixed):
            return 0
        usual = "64MiB" if self.quick else "256MiB"
        return parse_bytes(self.cap or usual)

    @property
    def roles(self) -> tuple[str, ...]:
        """The variants' roles; one empty one for an application without them."""
        if self.app is not None:
            return ("",)
        usual = "streaming,tuned" if self.mixed else "naive,streaming,tuned"
        roles = tuple((self.variants or usual).split(","))
        for role in roles:
            if role not in _ROLES:
                raise LabError(f"unknown variant {role!r}: {nearest(role, list(_ROLES))}")
        return roles

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of users, in increasing order; one, for a mixed load."""
        usual = "10" if self.mixed else "1,4,16" if self.quick else "1..64"
        numbers = parse_sizes(self.users or usual)
        if self.mixed and len(numbers) > 1:
            raise LabError("a mixed load has one number of users: give one, or leave out --time.")
        return numbers


def parse_seconds(text: str) -> float:
    """Read a duration such as ``90s``, ``10m`` or ``1h``.

    Raises:
        LabError: It is none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if match is None or float(match[1]) == 0:
        raise LabError(f"{text!r} is no duration: write it as 90s, 10m or 1h.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def checked_url(url: str) -> str:
    """Return the address of a server that load may be put on: one of this machine or network.

    Raises:
        LabError: It is no ``http://`` address, or a public one.
    """
    parts = urlsplit(url.rstrip("/"))
    if not re.fullmatch(r"[\w.-]+(:\d{1,5})?", parts.netloc) or parts[:1] + parts[2:] != _PLAIN:
        raise LabError(f"{url!r} is no address of a server: write http://127.0.0.1:8000.")
    host = "127.0.0.1" if parts.hostname == "localhost" else str(parts.hostname)
    try:
        near = any(ipaddress.ip_address(host) in network for network in _NEAR)
    except ValueError:
        near = False
    if not near:
        raise LabError(
            f"{parts.hostname} is not an address of this machine or of a private network: "
            "load is put on servers of your own."
        )
    return url.rstrip("/")
