"""The lesson's table: what is measured, what is extrapolated, and how it is written."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from benchmarks.report.generated_parts import (
    differences,
    fill,
    same_but_for_results,
    same_within_tolerance,
)
from benchmarks.report.readme import parts, trap_rows
from lab.claim import O
from lab.curves.curve import Curve, Point
from lab.curves.growth import growth
from lab.curves.verdict import Verdict, verdict
from lab.errors import LabError
from lab.measure.schedule import Schedule
from lab.patterns import pattern
from lab.table.measure import measure_table
from lab.table.page import page
from lab.table.report import print_table, print_timings, scenario_svg, write_table
from lab.table.results import CurveKey, Row, TableResult, Timings, VariantFigures, verdict_at_size
from lab.table.scenarios import SCENARIOS
from lab.variants import DifferentAnswersError


@pytest.fixture(scope="module")
def small() -> TableResult:
    """Two scenarios that need no database, measured for real."""
    chosen = [s for s in SCENARIOS if s.pattern == "file_download"]
    return measure_table(chosen, quick=True, schedule=Schedule(parallel=1))


def test_the_lesson_has_eight_rows_of_known_sizes():
    assert [scenario.size for scenario in SCENARIOS] == [
        100,
        10_000,
        1_000_000,
        5_000_000,
        500_000_000,
        1_000_000,
        100_000_000,
        1_000_000,
    ]
    assert len({scenario.name for scenario in SCENARIOS}) == 8


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_scenario_names_variants_and_axes_that_exist(scenario):
    lesson = pattern(scenario.pattern)
    assert lesson[scenario.naive].role == "naive"
    assert lesson[scenario.streaming].role == "streaming"
    if scenario.printed:
        assert lesson[scenario.printed].role == "trap"
    assert scenario.axis in lesson.axes
    assert scenario.tenth().size == scenario.size // 10


@pytest.mark.slow
def test_downloads_are_judged_by_growth_and_by_the_amount_named(small):
    whole, chunks = small.rows
    assert whole.verdict.finding == "kept"
    assert whole.growth_found == "1.00 B per byte"
    assert chunks.verdict.finding == "broken"
    assert "times the 65.5 kB it names" in chunks.verdict.reason
    assert chunks.growth_found == "flat"
    assert chunks.naive.heap == pytest.approx(50_000_000, rel=0.01)
    assert chunks.naive.digest == chunks.streaming.digest


@pytest.mark.slow
def test_what_would_not_fit_is_extrapolated_and_close_to_the_truth(small):
    chosen = [s for s in SCENARIOS if s.size == 500_000_000]
    limited = Schedule(parallel=1, max_memory=20_000_000)
    (row,) = measure_table(chosen, quick=True, schedule=limited).rows
    measured = small.rows[1]
    assert row.naive.extrapolated
    assert not row.streaming.extrapolated
    assert row.naive.heap == pytest.approx(measured.naive.heap, rel=0.01)
    assert row.naive.rss == pytest.approx(measured.naive.rss, rel=0.1)


def test_an_amount_may_be_exceeded_by_a_tenth():
    kept = Verdict("kept", "flat", O(1), "n")
    assert verdict_at_size(kept, VariantFigures("v", 110), 100).finding == "kept"
    assert verdict_at_size(kept, VariantFigures("v", 111), 100).finding == "broken"
    assert verdict_at_size(kept, VariantFigures("v", 10**9), None) is kept


def test_what_ran_out_of_time_is_not_kept():
    downloads = [s for s in SCENARIOS if s.size == 500_000_000]
    (row,) = measure_table(downloads, schedule=Schedule(parallel=1, timeout=0.2)).rows
    assert row.verdict.finding == "inconclusive" or row.streaming.heap is not None
    assert row.naive.heap is None
    assert "not finished after 0.2 s" in row.naive.error
    table = TableResult((row,), made_up().environment, Timings(overheads=[0.1]), False)
    assert "No figure: read_whole was not finished after 0.2 s" in printed(table)
    lost = verdict_at_size(Verdict("kept", "flat", O(1), "n"), row.naive, None)
    assert lost.finding == "inconclusive"


@pytest.mark.slow
def test_only_naive_variants_are_extrapolated(small):
    tight = Schedule(parallel=1, max_memory=1)
    chosen = [s for s in SCENARIOS if s.size == 500_000_000]
    (row,) = measure_table(chosen, quick=True, schedule=tight).rows
    assert row.naive.extrapolated
    assert not row.streaming.extrapolated
    assert row.streaming.heap == small.rows[1].streaming.heap


@pytest.mark.slow
def test_a_scenario_whose_variants_answer_differently_is_refused(small, monkeypatch):
    from lab.table import measure

    def other_digest(readings):
        return replace(readings, digest=str(readings.value))

    run = measure.run
    monkeypatch.setattr(measure, "run", lambda *a: [other_digest(r) for r in run(*a)])
    chosen = [s for s in SCENARIOS if s.size == 5_000_000]
    with pytest.raises(DifferentAnswersError, match="give different answers at 500 kB"):
        measure_table(chosen, quick=True, schedule=Schedule(parallel=1))


def made_up() -> TableResult:
    """Return eight rows with made-up figures, to test how the table is written."""
    rows = []
    for scenario in SCENARIOS:
        sizes = (8_000, 16_000, 32_000, 64_000, 128_000)
        curves = {
            CurveKey(scenario.pattern, name, scenario.axis): Curve(
                name, scenario.axis, tuple(Point(n, 1_000 + slope * n) for n in sizes)
            )
            for name, slope in ((scenario.naive, 2_000), (scenario.streaming, 0))
        }
        advised = curves[CurveKey(scenario.pattern, scenario.advised, scenario.axis)]
        rows.append(
            Row(
                scenario,
                VariantFigures(
                    scenario.naive, 2_147_483_648, 3_221_225_472, scenario.size > 500_000
                ),
                VariantFigures(
                    scenario.streaming, 5_370_000, 2_970_000, False, ((0.0, 1), (0.1, 9))
                ),
                growth(*advised.seen()),
                verdict(advised, scenario.claim),
                pattern(scenario.pattern)[scenario.printed] if scenario.printed else None,
                None,
                curves,
            )
        )
    environment = {"python": "3.11.7", "implementation": "CPython", "platform": "linux"}
    environment |= {"sqlalchemy": "2.1.9", "memray": "1.20.0"}
    return TableResult(tuple(rows), environment, Timings(1, 2, 3, [0.1]), False)


def printed(table: TableResult) -> str:
    screen = Console(file=io.StringIO(), width=100)
    print_table(screen, table)
    print_timings(screen, table.timings)
    return screen.file.getvalue()


def test_the_table_is_readable_at_a_hundred_columns():
    text = printed(made_up())
    assert max(len(line) for line in text.splitlines() if line.startswith(("│", "┃"))) <= 100
    for scenario in SCENARIOS:
        assert scenario.title in text
        assert scenario.approach in text
    assert "2.15 GB" in text
    assert "extrapolated" in text
    assert "wrong answer" in text
    assert "…" not in text


def test_a_picture_is_well_formed_and_says_what_it_shows():
    row = made_up().rows[2]
    picture = ET.fromstring(scenario_svg(row))  # noqa: S314 - our own
    names = {"svg": "http://www.w3.org/2000/svg"}
    assert picture.get("role") == "img"
    assert picture.find("svg:title", names).text == "Export 1,000,000 rows"
    description = picture.find("svg:desc", names).text
    assert "the naive variant one_string peaks at 2.15 GB (extrapolated)" in description
    assert "both axes logarithmic" in description
    assert description in picture.get("aria-label")
    texts = "".join(picture.itertext())
    assert "peak heap (bytes)" in texts
    assert "streaming: joined_chunks" in texts


def test_the_page_needs_nothing_from_elsewhere():
    table = made_up()
    html = page(table, {row.scenario.name: scenario_svg(row) for row in table.rows})
    assert not re.search(r"(src|href)=\"(?!#)", html)
    assert html.count("<svg") >= 8
    assert "O(unique keys)" in html
    assert "Chunks of 64 KiB; the lesson says" in html
    ids = re.findall(r'<(?!clipPath|path|use)\w+ [^>]*\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_files_are_written(small, tmp_path):
    assert write_table(small, tmp_path / "deep" / "out").name == "index.html"
    document = json.loads((tmp_path / "deep/out/table.json").read_text())
    assert [row["verdict"] for row in document["rows"]] == ["kept", "broken"]
    assert document["rows"][0]["naive"]["peak_heap_bytes"] > 0
    assert (tmp_path / "deep/out/download-50000000-bytes.svg").exists()


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("| 2.11 GB, 2.90 GB | kept |", "| 2.05 GB, 2.85 GB | kept |", True),
        ("| 2.11 GB, 2.90 GB | kept |", "| 1.90 GB, 2.90 GB | kept |", False),
        ("| 2.11 GB, 2.90 GB | kept |", "| 2.11 GB, 2.90 GB | broken |", False),
        ("| 139 kB, 135 kB |", "| 139 kB, 900 kB |", True),
        ("| 139 kB, 135 kB |", "| 900 kB, 135 kB |", False),
        ("| 139 kB, 135 kB |", "| 150 kB, 20.0 kB |", True),
        ("| 1.00 B per byte |", "| 14.0 B per byte |", False),
        ("| flat |", "| 2.14 kB per row |", False),
        ("| 1.94 GB, 2.88 GB | kept |", "| 1.90 GB, 9.99 GB (extrapolated) | kept |", True),
        ("| 1.94 GB, 2.88 GB | kept |", "| 1.90 GB, 2.88 GB (extrapolated) | broken |", False),
        ("Export 100 rows", "Export 10 rows", False),
    ],
)
def test_a_generated_table_may_differ_by_noise_and_no_more(old, new, same):
    assert same_within_tolerance(old, new) is same


def test_generated_parts_are_put_between_their_marks():
    text = "a\n<!-- generated: table -->\nold\n<!-- end -->\nb\n"
    assert fill(text, {"table": "new\nlines"}, Path("README.md")) == (
        "a\n<!-- generated: table -->\nnew\nlines\n<!-- end -->\nb\n"
    )


def test_a_trap_that_no_longer_holds_stops_the_documents():
    trap = {"name": "free", "wrong": "1", "right": "1", "label": "", "said": "", "holds": False}
    with pytest.raises(LabError, match="free can no longer be demonstrated"):
        trap_rows({"traps": [trap]})


def test_results_of_traps_may_differ_and_claims_may_not():
    line = "| claim | reality | 4 of 4 | 0 of 4 |"
    assert same_but_for_results(line, line.replace("4 of 4", "3 of 4"))
    assert not same_but_for_results(line, line.replace("reality", "another"))


def test_a_line_that_was_edited_by_hand_is_found():
    from lab.table.json import table_json

    table = made_up()
    right = parts(table_json(table))["table"]
    assert differences(right, right, same_within_tolerance) == []
    edited = right.replace("**broken**", "**kept**", 1)
    assert len(differences(edited, right, same_within_tolerance)) == 1
    other = replace(table, rows=table.rows[:-1])
    assert differences(parts(table_json(other))["table"], right, same_within_tolerance)
