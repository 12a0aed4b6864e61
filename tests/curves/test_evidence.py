"""A flat curve means something only with evidence: answers that grow, pages that do not."""

from dataclasses import replace

import pytest

from lab.claim import O
from lab.curves.curve import Curve, Point
from lab.curves.elsewhere import Elsewhere
from lab.curves.evidence import unseen
from lab.curves.verdict import verdict

SIZES = (8_000, 16_000, 32_000, 64_000, 128_000)
MB = 1_000_000


def curve(*points, **more):
    return Curve("f", "n", points, answer_grows=True, **more)


def flat(answer, **more):
    """A flat curve whose answers are those of a function of the size."""
    return curve(*(Point(n, MB, **answer(n)) for n in SIZES), **more)


def items(n, kind="generator"):
    return {"digest": f"d{n}", "answer": kind, "counts": {"items": n, "bytes": 5 * n}}


def one(kind):
    return {"digest": "x", "answer": kind, "counts": {"items": 1}}


def page(n, body, status=200, **more):
    return {"digest": f"d{body}", "counts": {"status": status, "bytes": body, **more}}


@pytest.mark.parametrize(
    "answer",
    [
        items,
        lambda n: items(n // 1_000),
        lambda n: {**items(1, "str"), "digest": str(n), "counts": {"items": 1, "bytes": n}},
        lambda n: {"digest": str(n), "answer": "int", "counts": {"items": 1, "bytes": 6}},
        lambda n: page(n, 40 + 30 * n),
        lambda n: {**page(n, 20, sent=50 * n), "digest": str(n)},
    ],
    ids=["items", "batches", "text", "a number", "a page", "a number for an upload"],
)
def test_a_flat_curve_whose_answers_grow_is_kept(answer):
    assert verdict(flat(answer), O(1)).finding == "kept"
    assert verdict(flat(answer), O("n")).finding == "broken"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda n: page(n, 2_681), "is the same at every size (200, 2.68 kB)"),
        (lambda n: page(n, 0, 204), "is the same at every size (204, 0 B)"),
        (lambda n: page(n, 30 + len(str(n))), "the answer hardly grows"),
        (lambda n: page(n, 30 * min(n, 20_000)), "stops growing before the largest size"),
        (lambda n: page(n, 20, sent=50 * n), "is the same at every size"),
        (lambda n: items(4_000), "(generator, 4,000 items, 20.0 kB)"),
        (lambda n: items(min(n, 70_000)), "stops growing"),
        (
            lambda n: {"digest": "x", "answer": "NoneType", "counts": {"items": 1}},
            "such as a count",
        ),
        (lambda n: one("function"), "not called"),
        (lambda n: one("_GeneratorContextManager"), "not called or entered"),
    ],
)
def test_a_flat_curve_whose_answers_do_not_grow_tells_nothing(answer, reason):
    for claim in (O(1), O("n")):
        found = verdict(flat(answer), claim)
        assert found.finding == "inconclusive"
        assert reason in found.reason
        assert "--constant-answer" in found.reason or "return what can be drained" in found.reason
    assert verdict(flat(answer, constant_answer="it counts"), O(1)).finding == "kept"


def test_sizes_that_are_too_small_are_no_reason_where_nothing_was_asked():
    small = curve(*(Point(n, MB, **page(n, 2_681)) for n in (100, 200, 400, 800, 1_600)))
    assert "same at every size" in verdict(small, O(1)).reason


def test_a_size_that_was_not_measured_leaves_the_verdict_open():
    """Whichever sizes were: the largest may have run out of time because it grew."""
    missing = [
        Point(2 * SIZES[-1], error="not finished after 3 s"),
        Point(4 * SIZES[-1], error="x"),
    ]
    for claim, per_item in ((O(1), 0), (O("n"), 32)):
        points = [Point(n, MB + per_item * n, **items(n)) for n in SIZES]
        assert verdict(curve(*points), claim).finding == "kept"
        found = verdict(curve(*points, *missing), claim)
        assert (found.finding, found.wants) == ("inconclusive", "")
        assert "not every size was measured (not finished after 3 s)" in found.reason
    timed = [Point(n, MB, error="the time was not taken", **items(n)) for n in SIZES]
    assert verdict(curve(*timed), O(1)).finding == "kept"
    grows = [Point(n, MB + 32 * n, **items(n)) for n in SIZES]
    assert verdict(curve(*grows, *missing), O(1)).finding == "broken"


def test_growth_that_is_seen_needs_no_other_evidence():
    growing = curve(*(Point(n, MB + 32 * n, **page(n, 2_681)) for n in SIZES))
    assert verdict(growing, O(1)).finding == "broken"
    assert verdict(growing, O("n")).finding == "kept"


def in_pages(per_item, *, own=True, **more):
    """A flat heap beside a resident set that grows."""
    points = []
    for n in SIZES:
        rise = 5 * MB + per_item * n
        field = {"peak_rss_bytes": rise} if own else {}
        elsewhere = Elsewhere(resident=rise, mapped=more.get("mapped", 0) * n)
        points.append(Point(n, MB, elsewhere=elsewhere, **field, **items(n)))
    return curve(*points)


def test_a_resident_set_that_grows_beside_a_flat_heap_decides():
    found = verdict(in_pages(200), O(1))
    assert found.finding == "broken"
    assert "by the resident set: grows with n: 200 B per item" in found.reason
    assert verdict(in_pages(200), O("n")).finding == "kept"
    assert verdict(in_pages(0), O(1)).finding == "kept"


def test_pages_that_were_taken_once_are_no_growth():
    rises = (4_096, *[2_101_248] * 5)
    sizes = (*SIZES, 2 * SIZES[-1])
    points = [Point(n, MB, MB + rise, **items(n)) for n, rise in zip(sizes, rises, strict=True)]
    assert verdict(curve(*points[:5]), O(1)).wants == "larger sizes"
    assert verdict(curve(*points), O(1)).finding == "kept"


def test_a_run_with_a_tracer_only_makes_suspicious():
    found = verdict(in_pages(200, own=False), O(1))
    assert (found.finding, found.wants) == ("inconclusive", "resident set")


def test_pages_of_mapped_files_are_told_from_others():
    found = verdict(in_pages(200, mapped=190), O(1))
    assert found.finding == "inconclusive"
    assert "pages of mapped files" in found.reason


@pytest.mark.parametrize("field", ["children", "files", "pool"])
def test_memory_elsewhere_is_part_of_a_peak(field):
    points = [
        Point(n, MB, elsewhere=Elsewhere(**{field: 100 * n}, commands=("python",)), **items(n))
        for n in SIZES
    ]
    found = verdict(curve(*points), O(1))
    assert found.finding == "broken"
    assert "100 B per item" in found.reason
    assert {"children": "child processes (python)", "files": "files in memory"}.get(
        field, "Arrow's pool"
    ) in found.reason


def test_growth_in_child_processes_is_confirmed_by_more_runs():
    """Their peaks are sampled; other growth needs no second run."""

    def grows(children, heap=0, repeats=1):
        return verdict(
            curve(
                *(
                    Point(n, heap * n, elsewhere=Elsewhere(children=children * n), repeats=repeats)
                    for n in SIZES
                )
            ),
            O(1),
        )

    assert (grows(100).finding, grows(100).wants) == ("broken", "repeats")
    assert (grows(100, repeats=3).finding, grows(100, repeats=3).wants) == ("broken", "")
    assert grows(100, heap=200).wants == ""


def test_growth_below_a_peak_of_the_start_is_followed():
    def series(end):
        return ((0.0, 80 * MB), (0.1, end - 500), (0.11, end), (0.12, 4_000))

    def found(end, **more):
        return verdict(
            curve(
                *(Point(n, 80 * MB, series=series(end(n)), **items(n)) for n in SIZES),
                **more,
            ),
            O(1),
        )

    assert found(lambda n: MB).finding == "kept"
    assert found(lambda n: 2 * MB - 5 * n).finding == "kept"
    assert found(lambda n: n).finding == "kept"
    hidden = found(lambda n: 70 * n)
    assert (hidden.finding, hidden.wants) == ("inconclusive", "larger sizes")
    assert "after it memory grows by 8.40 MB" in hidden.reason


def test_a_pool_is_in_the_resident_set_already():
    point = Point(8_000, MB, 7 * MB, elsewhere=Elsewhere(pool=6 * MB, children=2))
    assert (point.peak("heap"), point.peak("rss")) == (7 * MB + 2, 7 * MB + 2)


def test_a_first_call_that_grows_beside_flat_ones_is_hidden_by_the_warm_up():
    warm = flat(items)
    ends = (SIZES[0], SIZES[-1])
    assert verdict(warm, O(1)).wants == "first calls"
    same = tuple(Point(n, 2 * MB, **items(n)) for n in ends)
    assert verdict(replace(warm, first_calls=same), O(1)).wants == ""
    more = tuple(Point(n, 2 * MB + 40 * n, **items(n)) for n in ends)
    found = verdict(replace(warm, first_calls=more), O(1))
    assert (found.finding, found.wants) == ("inconclusive", "first calls")
    assert "the warm-up hides" in found.reason


def test_pages_that_neither_heap_nor_files_explain_are_unseen_memory():
    assert unseen(Point(1, 2 * MB, 34 * MB)) == 32 * MB
    assert unseen(Point(1, 2 * MB, 34 * MB, elsewhere=Elsewhere(mapped=31 * MB))) == 0
    assert unseen(Point(1, 20 * MB, 34 * MB)) == 0
    assert unseen(Point(1, 1 * MB, 3 * MB)) == 0
    assert unseen(Point(16, 3 * MB, 8 * MB)) == 5 * MB
    assert unseen(Point(16, 3 * MB, 8 * MB), clients=16) == 0
    assert unseen(Point(16, 3 * MB, 14 * MB), clients=16) == 11 * MB
