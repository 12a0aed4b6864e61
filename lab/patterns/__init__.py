"""The patterns, in teaching order."""

from lab.errors import LabError, nearest
from lab.pattern import Pattern
from lab.patterns import (
    before_the_stream,
    bulk_load,
    csv_export,
    csv_upload,
    file_download,
    identity_map,
    lazy_cursor,
    ndjson_export,
    pdf_report,
    rows,
    tag_counts,
    upload_stream,
    zip_download,
)

PATTERNS: tuple[Pattern, ...] = (
    rows.PATTERN,
    identity_map.PATTERN,
    csv_export.PATTERN,
    ndjson_export.PATTERN,
    before_the_stream.PATTERN,
    file_download.PATTERN,
    zip_download.PATTERN,
    pdf_report.PATTERN,
    csv_upload.PATTERN,
    upload_stream.PATTERN,
    bulk_load.PATTERN,
    lazy_cursor.PATTERN,
    tag_counts.PATTERN,
)


def pattern(name: str) -> Pattern:
    """Return a pattern by name.

    Raises:
        LabError: No pattern has this name.
    """
    for known in PATTERNS:
        if known.name == name:
            return known
    raise LabError(f"unknown pattern {name!r}: {nearest(name, [p.name for p in PATTERNS])}")
