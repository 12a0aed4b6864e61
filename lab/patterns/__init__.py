"""The lessons, in teaching order."""

from lab.errors import LabError, nearest
from lab.pattern import Pattern
from lab.patterns import csv_export, csv_upload, file_download, rows, tag_counts

PATTERNS: tuple[Pattern, ...] = (
    rows.PATTERN,
    csv_export.PATTERN,
    file_download.PATTERN,
    csv_upload.PATTERN,
    tag_counts.PATTERN,
)


def pattern(name: str) -> Pattern:
    """Return a pattern by name.

    Raises:
        LabError: There is none of that name.
    """
    for found in PATTERNS:
        if found.name == name:
            return found
    raise LabError(f"unknown pattern {name!r}: {nearest(name, [p.name for p in PATTERNS])}")
