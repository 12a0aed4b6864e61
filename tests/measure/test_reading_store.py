"""A reading is taken once in a run, and never comes from other code or for a function of a user."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from lab.curves.allocation_sites import Site
from lab.curves.curve import Reading
from lab.errors import LabError
from lab.measure import reading_store as store_module
from lab.measure.reading_store import ReadingStore
from lab.measure.workload import Function
from lab.patterns import rows
from lab.variants import variant_workload

WORKLOAD = variant_workload(rows.PATTERN, rows.PATTERN["load_all"], {"rows": 1_000})
READING = Reading(
    1_234.0,
    "digest",
    {"items": 1_000},
    ((0.0, 5), (0.1, 9)),
    (Site("a.py", 3, "f", 900, "kept.append(row)"),),
    harness_seconds=0.25,
)


def never() -> Reading:
    raise AssertionError("measured again")


def test_a_reading_is_the_same_from_the_store(tmp_path):
    assert ReadingStore(tmp_path).reading(WORKLOAD, "heap", lambda: READING) == READING
    assert ReadingStore(tmp_path).reading(WORKLOAD, "heap", never) == READING


@pytest.mark.parametrize(
    ("workload", "witness"),
    [
        (WORKLOAD, "rss"),
        (replace(WORKLOAD, arguments={**WORKLOAD.arguments, "sizes": {"rows": 2_000}}), "heap"),
        (variant_workload(rows.PATTERN, rows.PATTERN["yield_per"], {"rows": 1_000}), "heap"),
    ],
)
def test_another_question_has_a_reading_of_its_own(tmp_path, workload, witness):
    store = ReadingStore(tmp_path)
    store.reading(WORKLOAD, "heap", lambda: READING)
    assert store.reading(workload, witness, lambda: Reading(7)).value == 7


def test_other_code_and_another_environment_are_measured_anew(tmp_path, monkeypatch):
    store = ReadingStore(tmp_path)
    store.reading(WORKLOAD, "heap", lambda: READING)
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_code", lambda: "edited")
        assert store.reading(WORKLOAD, "heap", lambda: Reading(7)).value == 7
    monkeypatch.setattr(store_module, "environment", lambda: {"python": "3.99"})
    assert store.reading(WORKLOAD, "heap", lambda: Reading(8)).value == 8


def test_times_and_functions_of_users_are_never_stored(tmp_path):
    store = ReadingStore(tmp_path)
    for workload, witness in (
        (WORKLOAD, "seconds"),
        (Function("mine:leak").workload("n", 10), "heap"),
    ):
        assert store.reading(workload, witness, lambda: Reading(1)).value == 1
        assert store.reading(workload, witness, lambda: Reading(2)).value == 2
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_not_stored(tmp_path):
    def fail() -> Reading:
        raise LabError("no database")

    store = ReadingStore(tmp_path)
    with pytest.raises(LabError, match="no database"):
        store.reading(WORKLOAD, "heap", fail)
    late = Reading(error="not finished after 1 s")
    assert store.reading(WORKLOAD, "heap", lambda: late) == late
    assert store.reading(WORKLOAD, "heap", lambda: READING) == READING


def test_two_that_need_it_at_once_measure_it_once(tmp_path):
    """The second waits for the first, as the workers of a test run do."""
    together, measured = Barrier(2), []

    def ask(_: int) -> Reading:
        together.wait()
        return ReadingStore(tmp_path).reading(WORKLOAD, "heap", measure)

    def measure() -> Reading:
        measured.append(1)
        return READING

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, range(2))) == [READING, READING]
    assert len(measured) == 1


def test_a_stored_reading_is_one_line_of_json(tmp_path):
    ReadingStore(tmp_path).reading(WORKLOAD, "heap", lambda: READING)
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text())["reading"]["value"] == 1_234.0
