"""The options of `lab load`, and the load that they describe."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.errors import LabError, nearest
from lab.load.plan import UserRequest, jobs_named, lesson_jobs
from lab.load.steps import ServerUnderTest
from lab.measure.http.endpoint import Endpoint
from lab.pattern import ROLES
from lab.system.variables import parse_variables
from lab.units import parse_bytes, parse_sizes

APP = "lab.web.app:app"
POOL = "MEMORY_LAB_POOL"
FILE = 5_000_000
"""Bytes of the file that is downloaded."""
UPLOAD = 1_000_000
"""Bytes of the CSV that is uploaded."""
_PLAIN = ("http", "", "", "")
"""Scheme, path, query and fragment of an address without anything after the port."""
_OWN_NETWORKS = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
)
_QUICK = 10
"""Divisor of the rows with ``--quick``."""


@dataclass(frozen=True)
class LoadOptions:
    """The options as they were given; None or empty if they were not.

    Attributes:
        requests: Requests of an application other than the lesson's, as ``METHOD /path``.
        app: That application, as ``package.module:app``.
        headers: Headers of its requests, as ``NAME: VALUE``.
        jobs: Names of the lesson's jobs, separated by commas.
        variants: Roles, separated by commas.
        rows: Rows of an export.
        users: One number of users, or several.
        cap: An amount of memory, or ``none``.
        timeout: Seconds for a step.
        quick: A tenth of the rows, a quarter of the memory, fewer users.
        mixed: Whether the load is a mixed one.
        env: Environment variables of that application's server, as ``NAME=VALUE``.
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
    env: Sequence[str] = ()

    def served(self) -> ServerUnderTest:
        """Return the application, its jobs and its cap.

        Raises:
            LabError: Options contradict each other, or one cannot be read.
        """
        if self.app is not None:
            common = (self.app, self._requests(), self.cap_bytes, "", self.timeout)
            return ServerUnderTest(*common, env=parse_variables(self.env))
        return ServerUnderTest(APP, self._lesson(), self.cap_bytes, POOL, timeout=self.timeout)

    def _requests(self) -> tuple[UserRequest, ...]:
        if self.jobs or self.variants or self.rows:
            raise LabError("--job, --variant and --rows are for the lesson: leave them out.")
        endpoints = [Endpoint.parse(text, str(self.app), self.headers) for text in self.requests]
        return tuple(
            UserRequest(endpoint.path, "request", endpoint.method, endpoint.path, endpoint.headers)
            for endpoint in endpoints
        )

    def _lesson(self) -> tuple[UserRequest, ...]:
        from lab.endpoints.tokens import token

        if self.headers:
            raise LabError("--header is for your own requests: add --app.")
        jobs = lesson_jobs(self.lesson_rows, FILE, UPLOAD, token())
        default = ",".join(job.name for job in jobs) if self.mixed else "export"
        return jobs_named(self.jobs or default, jobs)

    @property
    def lesson_rows(self) -> int:
        """Rows of an export, and of the table of posts."""
        default = 20_000 if self.mixed else 1_000_000
        return self.rows or (default // _QUICK if self.quick else default)

    @property
    def cap_bytes(self) -> int:
        """Bytes that a server may allocate after its warm-up; 0 for no cap."""
        if self.cap == "none" or (self.cap is None and self.mixed):
            return 0
        default = "64MiB" if self.quick else "256MiB"
        return parse_bytes(self.cap or default)

    @property
    def roles(self) -> tuple[str, ...]:
        """The variants' roles; one empty role for an application without them."""
        if self.app is not None:
            return ("",)
        default = "streaming,tuned" if self.mixed else "naive,streaming,tuned"
        roles = tuple((self.variants or default).split(","))
        for role in roles:
            if role not in ROLES:
                raise LabError(f"unknown variant {role!r}: {nearest(role, list(ROLES))}")
        return roles

    @property
    def user_counts(self) -> tuple[int, ...]:
        """Numbers of users, in increasing order; a mixed load has one."""
        default = "10" if self.mixed else "1,4,16" if self.quick else "1..64"
        counts = parse_sizes(self.users or default)
        if self.mixed and len(counts) > 1:
            raise LabError("a mixed load has one number of users: give one, or leave out --time.")
        return counts


def parse_seconds(text: str) -> float:
    """Return the seconds of a duration such as ``90s``, ``10m`` or ``1h``.

    Raises:
        LabError: The text is not a duration.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if match is None or float(match[1]) == 0:
        raise LabError(f"{text!r} is not a duration: write it as 90s, 10m or 1h.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def checked_url(url: str) -> str:
    """Return the address of a server on this machine or in a private network.

    Raises:
        LabError: The text is not an ``http://`` address, or the address is public.
    """
    parts = urlsplit(url.rstrip("/"))
    if not re.fullmatch(r"[\w.-]+(:\d{1,5})?", parts.netloc) or parts[:1] + parts[2:] != _PLAIN:
        raise LabError(f"{url!r} is not the address of a server: write http://127.0.0.1:8000.")
    host = "127.0.0.1" if parts.hostname == "localhost" else str(parts.hostname)
    try:
        own = any(ipaddress.ip_address(host) in network for network in _OWN_NETWORKS)
    except ValueError:
        own = False
    if not own:
        raise LabError(
            f"{parts.hostname} is not an address of this machine or of a private network: "
            "load only servers of your own."
        )
    return url.rstrip("/")
