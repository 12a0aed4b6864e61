"""The check of generated documents compares what was measured at full sizes, and names the rest."""

import json

import pytest

from benchmarks.report import production
from benchmarks.report.readme import circumstances, comparison_of_tables, left_out

DOCUMENT = {
    "quick": False,
    "environment": {
        "python": "3.11.7",
        "implementation": "CPython",
        "platform": "linux",
        "sqlalchemy": "2.1.9",
        "memray": "1.20.0",
    },
}
OLD = "| Export 1,000 rows | 1.24 MB | **kept** |"


@pytest.mark.parametrize(
    ("quick", "same_versions", "new", "current"),
    [
        (False, True, "| Export 1,000 rows | 1.25 MB | **kept** |", True),
        (False, True, "| Export 1,000 rows | 9.00 MB | **kept** |", False),
        (False, False, "| Export 1,000 rows | 9.00 MB | **kept** |", True),
        (False, False, "| Export 100 rows | 1.24 MB | **kept** |", False),
        (True, True, "| Export 100 rows | 9.00 MB | **kept** |", True),
        (True, True, "| Export 100 rows | 9.00 MB | **broken** |", False),
    ],
)
def test_a_table_is_compared_as_far_as_it_can_be(quick, same_versions, new, current):
    document = DOCUMENT | {"quick": quick}
    text = circumstances(document) if same_versions else "CPython 3.12"
    assert comparison_of_tables(document, text)(OLD, new) is current


def test_what_was_not_measured_in_full_is_named(tmp_path):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "table.json").write_text(json.dumps({"quick": True}))
    file = tmp_path / production.FILE
    file.parent.mkdir()
    file.write_text(json.dumps({"quick": True}))
    subjects = [sentence.partition(",")[0] for sentence in left_out(tmp_path)]
    assert subjects == ["figures of the table", "speed", "production"]
    (tmp_path / "table" / "table.json").write_text(json.dumps({"quick": False}))
    assert len(left_out(tmp_path)) == 2
