"""The instruments, checked with workloads whose answer is known by construction."""

import asyncio

import pytest

import lab
from lab.errors import LabError
from lab.measure.answers import drain
from lab.measure.heap_rss_seconds import thin_out
from lab.measure.process_pool import Processes
from lab.measure.schedule import Bench, Schedule
from lab.measure.workload import Function
from tests.measure import known_growth

SIZES = lab.doubling(8_000, 128_000)


@pytest.mark.parametrize(
    ("target", "of_constant", "of_n"),
    [
        ("constant", "kept", "broken"),
        ("one_object_kept", "broken", "kept"),
        ("linear", "broken", "kept"),
        ("square_root", "broken", "kept"),
        ("n_log_n", "broken", "broken"),
        ("quadratic", "broken", "broken"),
        ("flat_generator", "kept", "broken"),
        ("flat_async_generator", "kept", "broken"),
        ("leaky_async_generator", "broken", "kept"),
        ("linear_coroutine", "broken", "kept"),
        ("only_in_c", "broken", "kept"),
        ("in_a_thread", "broken", "kept"),
        ("up_to_a_batch", "inconclusive", "inconclusive"),
    ],
)
def test_verdicts_on_known_functions(target, of_constant, of_n, alone):
    curve = lab.sweep(f"tests.measure.known_growth:{target}", sizes=SIZES, schedule=alone)
    assert lab.verdict(curve, lab.O(1)).finding == of_constant
    assert lab.verdict(curve, lab.O("n")).finding == of_n


def test_a_function_called_with_tiny_sizes_is_inconclusive(alone):
    curve = lab.sweep(
        "tests.measure.known_growth:too_small", sizes=lab.doubling(1, 16), schedule=alone
    )
    assert lab.verdict(curve, lab.O(1)).finding == "inconclusive"
    assert lab.verdict(curve, lab.O("n")).finding == "inconclusive"


def test_heap_counts_what_is_allocated_to_the_byte():
    with Processes() as processes:
        small, large = (
            processes.read(
                Function("tests.measure.known_growth:linear").workload("n", n), "heap", 60
            ).value
            for n in (1_000_000, 3_000_000)
        )
    assert large - small == 2_000_000


@pytest.mark.parametrize("target", ["one_object_kept", "quadratic", "flat_async_generator"])
def test_heap_repeats_to_the_byte(target):
    workload = Function(f"tests.measure.known_growth:{target}").workload("n", 16_000)
    with Processes() as processes:
        peaks = {processes.read(workload, "heap", 60).value for _ in range(5)}
    assert len(peaks) == 1


def test_resident_set_sees_what_is_touched_and_heap_what_is_allocated():
    workload = Function("tests.measure.known_growth:linear").workload("n", 50_000_000)
    mapping = Function("tests.measure.known_growth:mapped").workload("n", 50_000_000)
    with Processes() as processes:
        allocated = processes.read(workload, "rss", 60)
        mapped = processes.read(mapping, "rss", 60)
    assert allocated.value == pytest.approx(50_000_000, rel=0.05)
    assert mapped.value == pytest.approx(50_000_000, rel=0.05)


def test_a_reading_has_the_digest_the_items_and_the_heap_over_time():
    with Processes() as processes:
        reading = processes.read(
            Function("tests.measure.known_growth:constant").workload("n", 64_000), "heap", 60
        )
    assert reading.counts == {"items": 64_000, "bytes": sum(len(str(n)) for n in range(64_000))}
    assert reading.answer == "generator"
    assert reading.digest == drain(range(64_000)).digest
    assert max(heap for _, heap in reading.series) >= known_growth.BATCH
    assert 0 < reading.harness_seconds < 60


def test_what_is_set_up_is_not_counted(alone):
    curve = lab.sweep(
        "tests.measure.known_growth:copies",
        sizes=SIZES,
        setup="tests.measure.known_growth:doubled",
        schedule=alone,
    )
    slope = lab.verdict(curve, lab.O("n")).growth.per_item
    assert slope == pytest.approx(2, rel=0.001)


@pytest.mark.parametrize(
    ("answer", "items"),
    [([1, 2, 3], 3), ((x for x in "ab"), 2), ("text", 1), (b"bytes", 1), ({"a": 1}, 1), (None, 1)],
)
def test_answers_are_drained_item_by_item(answer, items):
    assert drain(answer).counts["items"] == items


def test_awaitables_and_async_iterables_are_drained_alike():
    async def later():
        return [1, 2, 3]

    async def one_by_one():
        for i in (1, 2, 3):
            await asyncio.sleep(0)
            yield i

    assert drain(later()) == drain(one_by_one()) == drain([1, 2, 3])


def test_different_answers_have_different_digests():
    answers = ["12", b"12", 12, ["1", "2"], {"1": "2"}, None, True, 1.0, (), ("1", ("2",))]
    assert len({drain(answer).digest for answer in answers}) == len(answers)


def test_a_thinned_series_keeps_its_peak():
    series = [(1_000 + i, 7 if i == 333 else 1) for i in range(1_000)]
    thin = thin_out(series, most=10)
    assert len(thin) == 10
    assert max(heap for _, heap in thin) == 7
    assert thin_out([]) == ()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("tests.measure.known_growth:raises", "raised ValueError: no 4000 today"),
        ("tests.measure.known_growth:leaves", "ended with exit code 7"),
        ("tests.measure.known_growth:kills_itself", "was killed by SIGKILL"),
        ("tests.measure.known_growth:nothing", "has no 'nothing'"),
        ("tests.no_such_module:f", "cannot import 'tests.no_such_module'"),
        ("tests.measure.known_growth:BATCH", "is a int, not a function"),
        ("tests.measure.known_growth", "write package.module:function"),
    ],
)
def test_a_target_that_cannot_be_measured_is_explained(target, says, alone):
    with pytest.raises(LabError, match=says):
        lab.sweep(target, sizes=SIZES, schedule=alone)


def test_an_error_shows_the_targets_own_frames(alone):
    with pytest.raises(LabError) as caught:
        lab.sweep("tests.measure.known_growth:raises", sizes=SIZES, schedule=alone)
    assert "in _raise" in caught.value.details
    assert "measure/fork_server.py" not in caught.value.details


def test_a_point_that_takes_too_long_is_an_error_and_larger_ones_are_not_tried(alone):
    alone.timeout = 2
    curve = lab.sweep("tests.measure.known_growth:slow_when_large", sizes=SIZES, schedule=alone)
    assert [point.error for point in curve.points] == [
        None,
        None,
        "not finished after 2 s",
        "not tried: a smaller size ran out of time",
        "not tried: a smaller size ran out of time",
    ]
    assert lab.verdict(curve, lab.O(1)).finding == "inconclusive"


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_bench_measures_on_after_a_failure(parallel):
    with Bench(parallel) as bench:
        schedule = Schedule(bench=bench)
        with pytest.raises(LabError):
            lab.sweep("tests.measure.known_growth:raises", sizes=(10, 20), schedule=schedule)
        curve = lab.sweep("tests.measure.known_growth:linear", sizes=(10, 20), schedule=schedule)
    assert [point.size for point in curve.points] == [10, 20]
    assert all(point.peak_heap_bytes for point in curve.points)
