"""The result of a load: requests, failures, and samples of the server."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.load.server_samples import SERVER, Sample

if TYPE_CHECKING:
    from locust.stats import RequestStats, StatsEntry

FIRST_BYTE = ", first byte"
REFUSED = ", refused"
"""Ends of the names of entries that time a part of a request: the wait for the answer's head, and
answers of 503 with Retry-After.
"""


@dataclass(frozen=True)
class RequestFigures:
    """One row of Locust's statistics.

    Attributes:
        role: The variant's role, or the method if the application has no roles.
        name: Job and behaviour, such as ``export, slow``; or ``export, first byte``.
        requests: Number of requests.
        failures: Number of failed requests.
        p50, p95, p99: Seconds, rounded by Locust to two or three figures.
        received: Bytes of all bodies.
    """

    role: str
    name: str
    requests: int
    failures: int
    p50: float
    p95: float
    p99: float
    received: int


@dataclass(frozen=True)
class LoadResult:
    """The result of one load.

    Attributes:
        seconds: From the start of the load to the last answer.
        entries: Rows of the statistics.
        problems: Number of failures by description.
        series: Samples of the server.
        died: How the server ended, if it ended during the load; else empty.
    """

    seconds: float
    entries: tuple[RequestFigures, ...]
    problems: dict[str, int]
    series: tuple[Sample, ...]
    died: str = ""

    @classmethod
    def from_stats(cls, stats: "RequestStats", series: list[Sample]) -> "LoadResult":
        """Build a result from Locust's statistics and the samples of the server."""
        rows = (row for row in stats.entries.values() if row.method != SERVER)
        problems: dict[str, int] = {}
        for error in stats.errors.values():
            description = f"{error.method} {error.name}: {_message(error.error)}"
            problems[description] = problems.get(description, 0) + error.occurrences
        end = stats.last_request_timestamp or stats.start_time
        return cls(end - stats.start_time, tuple(map(_figures, rows)), problems, tuple(series))

    def write(self, file: str) -> None:
        """Write the result as JSON."""
        Path(file).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> "LoadResult":
        """Read a result from the file of `write`."""
        return cls.parse(json.loads(file.read_text()))

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "LoadResult":
        """Build a result from its JSON document."""
        entries = tuple(RequestFigures(**entry) for entry in document["entries"])
        series = tuple(document["series"])
        return cls(document["seconds"], entries, document["problems"], series, document["died"])

    @property
    def request_rows(self) -> tuple[RequestFigures, ...]:
        """The rows that count requests, without those that time a part of a request."""
        parts = (FIRST_BYTE, REFUSED)
        return tuple(row for row in self.entries if not row.name.endswith(parts))

    @property
    def requests(self) -> int:
        """Number of requests."""
        return sum(row.requests for row in self.request_rows)

    @property
    def failures(self) -> int:
        """Number of failed requests."""
        return sum(row.failures for row in self.request_rows)

    @property
    def refused(self) -> int:
        """Number of answers that were 503 with Retry-After."""
        return sum(row.requests for row in self.entries if row.name.endswith(REFUSED))

    @property
    def received(self) -> int:
        """Bytes of all bodies."""
        return sum(row.received for row in self.request_rows)


def _figures(row: "StatsEntry") -> RequestFigures:
    def percentile(of: float) -> float:
        return float(row.get_response_time_percentile(of) or 0) / 1000

    return RequestFigures(
        role=str(row.method),
        name=row.name,
        requests=row.num_requests,
        failures=row.num_failures,
        p50=percentile(0.5),
        p95=percentile(0.95),
        p99=percentile(0.99),
        received=row.total_content_length,
    )


def _message(error: object) -> str:
    """Return an error's message without the class name that Locust puts around it."""
    text, prefix = str(error), "WrongAnswerError("
    return text[len(prefix) : -1].strip("'\"") if text.startswith(prefix) else text
