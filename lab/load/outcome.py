"""What came of a load: requests, failures, and what the server had in use."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.load.gauges import SERVER, Sample

if TYPE_CHECKING:
    from locust.stats import RequestStats, StatsEntry

FIRST_BYTE = ", first byte"
REFUSED = ", told to come back"


@dataclass(frozen=True)
class Entry:
    """One row of Locust's statistics.

    Attributes:
        role: The variant's role, or the method where there is none.
        name: Job and manner, such as ``export, slow``; or ``export, first byte``.
        requests: How many there were.
        failures: How many of them failed.
        p50, p95, p99: Seconds, to Locust's two or three figures.
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
class Outcome:
    """A load, seen from its end.

    Attributes:
        seconds: From its beginning to the last answer.
        entries: Rows of the statistics.
        problems: What went wrong, and how often.
        series: Samples of the server.
        died: What became of a server that did not live to the end; empty where it did.
    """

    seconds: float
    entries: tuple[Entry, ...]
    problems: dict[str, int]
    series: tuple[Sample, ...]
    died: str = ""

    @classmethod
    def of(cls, stats: "RequestStats", series: list[Sample]) -> "Outcome":
        """Take what Locust has counted."""
        rows = (row for row in stats.entries.values() if row.method != SERVER)
        problems: dict[str, int] = {}
        for error in stats.errors.values():
            said = f"{error.method} {error.name}: {_plain(error.error)}"
            problems[said] = problems.get(said, 0) + error.occurrences
        end = stats.last_request_timestamp or stats.start_time
        return cls(end - stats.start_time, tuple(map(_entry, rows)), problems, tuple(series))

    def write(self, file: str) -> None:
        """Write it as JSON."""
        Path(file).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> "Outcome":
        """Read what `write` wrote."""
        return cls.parse(json.loads(file.read_text()))

    @classmethod
    def parse(cls, found: dict[str, Any]) -> "Outcome":
        """Build it from its JSON."""
        entries = tuple(Entry(**entry) for entry in found["entries"])
        series = tuple(found["series"])
        return cls(found["seconds"], entries, found["problems"], series, found["died"])

    @property
    def asked(self) -> tuple[Entry, ...]:
        """The rows that count requests."""
        return tuple(one for one in self.entries if not one.name.endswith((FIRST_BYTE, REFUSED)))

    @property
    def requests(self) -> int:
        """Requests in all."""
        return sum(entry.requests for entry in self.asked)

    @property
    def failures(self) -> int:
        """Those that failed."""
        return sum(entry.failures for entry in self.asked)

    @property
    def refused(self) -> int:
        """How often somebody was told to come back."""
        return sum(entry.requests for entry in self.entries if entry.name.endswith(REFUSED))

    @property
    def received(self) -> int:
        """Bytes of all bodies."""
        return sum(entry.received for entry in self.asked)


def _entry(row: "StatsEntry") -> Entry:
    def percentile(of: float) -> float:
        return float(row.get_response_time_percentile(of) or 0) / 1000

    return Entry(
        role=str(row.method),
        name=row.name,
        requests=row.num_requests,
        failures=row.num_failures,
        p50=percentile(0.5),
        p95=percentile(0.95),
        p99=percentile(0.99),
        received=row.total_content_length,
    )


def _plain(error: object) -> str:
    """Return what an error says, without the name of its class that Locust puts around it."""
    text = str(error)
    return text[len("WrongError(") : -1].strip("'\"") if text.startswith("WrongError(") else text
