"""The eight rows of the lesson's table: a pattern at a size, an approach, and a claim."""

from dataclasses import dataclass, replace
from typing import Literal

from lab.claim import AXES, O
from lab.units import show_bytes, show_count


@dataclass(frozen=True)
class Scenario:
    """One row of the lesson's table.

    Attributes:
        verb: What is done, as the first word of the title: ``Export``, ``Download``.
        approach: What the lesson advises, in a few words.
        says: What the lesson says about its memory, in its own words.
        pattern: Name of the pattern that is measured.
        naive: Name of the naive variant.
        streaming: Name of the streaming variant.
        judged: Which of the two the lesson advises; the verdict is about this one.
        axis: The axis of the size.
        size: Rows or bytes.
        claim: What the lesson says, as a claim.
        most: Bytes, if the lesson names an amount; else None.
        printed: Name of the variant that the lesson prints, if it is neither of the two.
    """

    verb: str
    approach: str
    says: str
    pattern: str
    naive: str
    streaming: str
    judged: Literal["naive", "streaming"]
    axis: str
    size: int
    claim: O
    most: int | None = None
    printed: str | None = None

    @property
    def amount(self) -> str:
        """The size with its unit: ``10,000 rows``, ``500 MB``."""
        if self.axis == "bytes":
            return show_bytes(self.size)
        return f"{show_count(self.size)} {AXES[self.axis]}s"

    @property
    def title(self) -> str:
        """The scenario with its size: ``Export 10,000 rows``."""
        return f"{self.verb} {self.amount}"

    @property
    def name(self) -> str:
        """A short name for file names: ``export-10000-rows``."""
        words = f"{self.verb.split()[0]}-{self.size}-{self.axis}"
        return words.lower()

    @property
    def advised(self) -> str:
        """The name of the variant that the lesson advises."""
        return self.naive if self.judged == "naive" else self.streaming

    def tenth(self) -> "Scenario":
        """Return the scenario at a tenth of the size; an amount in proportion to it shrinks too."""
        proportional = self.axis in self.claim.axes
        most = self.most // 10 if self.most and proportional else self.most
        return replace(self, size=self.size // 10, most=most)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "Export",
        "one list of objects",
        "constant",
        "rows",
        naive="load_all",
        streaming="yield_per",
        judged="naive",
        axis="rows",
        size=100,
        claim=O(1),
    ),
    Scenario(
        "Export",
        "yield_per(1000)",
        "O(batch)",
        "rows",
        naive="load_all",
        streaming="yield_per",
        judged="streaming",
        axis="rows",
        size=10_000,
        claim=O("batch"),
    ),
    Scenario(
        "Export",
        "server-side cursor, CSV",
        "O(batch)",
        "csv_export",
        naive="one_string",
        streaming="joined_chunks",
        judged="streaming",
        axis="rows",
        size=1_000_000,
        claim=O("batch"),
        printed="row_by_row",
    ),
    Scenario(
        "Download",
        "read it whole",
        "5 MB",
        "file_download",
        naive="read_whole",
        streaming="small_chunks",
        judged="naive",
        axis="bytes",
        size=5_000_000,
        claim=O("bytes"),
        most=5_000_000,
    ),
    Scenario(
        "Download",
        "chunks of 64 KiB",
        "64 KB",
        "file_download",
        naive="read_whole",
        streaming="small_chunks",
        judged="streaming",
        axis="bytes",
        size=500_000_000,
        claim=O("chunk"),
        most=65_536,
    ),
    Scenario(
        "Upload",
        "read it whole, then parse",
        "about 1 MB",
        "csv_upload",
        naive="read_whole",
        streaming="stream_rows",
        judged="naive",
        axis="bytes",
        size=1_000_000,
        claim=O("bytes"),
        most=1_000_000,
    ),
    Scenario(
        "Upload",
        "validated row by row",
        "O(chunk)",
        "csv_upload",
        naive="read_whole",
        streaming="stream_rows",
        judged="streaming",
        axis="bytes",
        size=100_000_000,
        claim=O("batch"),
        printed="join_chunks",
    ),
    Scenario(
        "Aggregate",
        "streamed into a Counter",
        "O(unique keys)",
        "tag_counts",
        naive="count_objects",
        streaming="stream_column",
        judged="streaming",
        axis="rows",
        size=1_000_000,
        claim=O("batch", "keys"),
        printed="unordered_pages",
    ),
)
