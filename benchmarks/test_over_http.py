"""Endpoints over HTTP, compared with the same limits.

`make bench` runs each tuned endpoint with one client; `make bench-http` runs all roles, with one
client and with eight.
"""

from functools import partial

import pytest

from benchmarks.compare import Compare
from benchmarks.files import sent_by_the_kernel
from benchmarks.over_http import Endpoint, compare_over_http, comparisons
from benchmarks.psql import copied_in, copied_out, first_posts, sql
from lab.data.files import download_file, users_csv
from lab.data.models import Post
from lab.pattern import Variant
from lab.patterns import (
    bulk_load,
    csv_export,
    file_download,
    ndjson_export,
    pdf_report,
    tag_counts,
    upload_stream,
)
from lab.patterns.ndjson_export import UNQUOTED, as_json, shown_columns
from lab.patterns.shared.post_columns import joined_columns

CLEAN = partial(users_csv, clean=True)

ENDPOINTS = (
    Endpoint(
        csv_export.PATTERN,
        "/posts/export.csv?rows={n}",
        copied_out(first_posts(joined_columns()), "format csv, header"),
        tuned=1_000_000,
        streaming=200_000,
        naive=20_000,
    ),
    Endpoint(
        ndjson_export.PATTERN,
        "/posts/export.ndjson?rows={n}",
        copied_out(lambda rows: as_json(shown_columns().where(Post.id <= rows)), UNQUOTED),
        tuned=300_000,
        streaming=100_000,
        naive=20_000,
    ),
    Endpoint(
        file_download.PATTERN,
        "/downloads/download-{n}.bin",
        sent_by_the_kernel,
        tuned=500_000_000,
        streaming=500_000_000,
        naive=100_000_000,
        file=download_file,
    ),
    Endpoint(
        pdf_report.PATTERN,
        "/posts/report.pdf?rows={n}",
        copied_out(first_posts(pdf_report.report_rows())),
        alike=False,
        tuned=100_000,
        streaming=20_000,
        naive=10_000,
    ),
    Endpoint(
        upload_stream.PATTERN,
        "/users/import",
        copied_in(users_csv, temporary=False),
        tuned=100_000_000,
        streaming=10_000_000,
        naive=5_000_000,
        file=users_csv,
        upload=True,
    ),
    Endpoint(
        bulk_load.PATTERN,
        "/imports/users.csv",
        copied_in(CLEAN, temporary=False),
        tuned=100_000_000,
        streaming=100_000_000,
        naive=20_000_000,
        file=CLEAN,
        upload=True,
    ),
    Endpoint(
        tag_counts.PATTERN,
        "/stats/tag-counts?rows={n}",
        sql(tag_counts.most_frequent()),
        tuned=1_000_000,
        streaming=100_000,
        naive=20_000,
    ),
)


@pytest.mark.parametrize(("endpoint", "variant", "clients"), list(comparisons(ENDPOINTS)))
def test_over_http(endpoint: Endpoint, variant: Variant, clients: int, compare: Compare) -> None:
    compare_over_http(compare, endpoint, variant, clients)
