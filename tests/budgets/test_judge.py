"""How a budget stands, of curves built by hand: each promise, the boundaries, and the words."""

import pytest

import lab
from lab.budgets.judge import (
    Promise,
    combine,
    exit_code,
    explain,
    failed,
    judge,
    sentence,
    summarise,
    worst,
)
from lab.budgets.previous_run import PreviousRun, tolerance
from lab.curves.allocation_sites import Site
from lab.curves.curve import Curve, Point

SIZES = lab.doubling(8_000, 128_000)
FLAT = [1_000_000] * 5
LEAKY = [100 * size for size in SIZES]
KiB = 1024


def curve(peaks, sizes=SIZES, witness="heap", noise=0, sites=()):
    key = "peak_heap_bytes" if witness == "heap" else "peak_rss_bytes"
    held = dict(zip(sizes, sites, strict=False))
    points = tuple(
        Point(size, **{key: peak}, sites=held.get(size, ()))
        for size, peak in zip(sizes, peaks, strict=True)
    )
    return Curve("app:export", "n", points, witness, noise=noise)


def failing(error, details="", peaks=()):
    points = [Point(size, peak_heap_bytes=peak) for size, peak in zip(SIZES, peaks, strict=False)]
    missing = [Point(size, error=error, details=details) for size in SIZES[len(points) :]]
    return Curve("app:export", "n", (*points, *missing))


def earlier(peaks, **more):
    return PreviousRun(dict(zip(SIZES, peaks, strict=True)), **more)


@pytest.mark.parametrize(
    ("peaks", "claim", "standing"),
    [
        (FLAT, lab.O(1), "kept"),
        (LEAKY, lab.O(1), "broken"),
        (LEAKY, lab.O("n"), "kept"),
        (FLAT, lab.O("n"), "broken"),
        ([1_000_000, 1_900_000, 700_000, 1_800_000, 900_000], lab.O(1), "inconclusive"),
    ],
)
def test_a_claim_stands_as_its_verdict_does(peaks, claim, standing):
    judged = judge("export", curve(peaks), Promise(claim))
    assert judged.standing == standing
    assert judged.reason.startswith(f"{claim} {standing}: ")
    assert judged.verdict.finding == standing


def test_a_claim_that_may_be_inconclusive_is_kept_then():
    few = curve([1_000_000] * 2, SIZES[:2])
    assert judge("export", few, Promise(lab.O(1))).standing == "inconclusive"
    allowed = judge("export", few, Promise(lab.O(1), may_be_inconclusive=True))
    assert allowed.standing == "kept"
    assert "inconclusive: 2 sizes were measured" in allowed.reason
    assert judge("export", curve(LEAKY), Promise(lab.O(1), None, True)).standing == "broken"


@pytest.mark.parametrize(("most", "standing"), [(1_000_000, "kept"), (999_999, "broken")])
def test_a_ceiling_is_the_most_that_is_allowed(most, standing):
    judged = judge("export", curve(FLAT), Promise(ceiling=most))
    assert (judged.standing, judged.ceiling) == (standing, most)


def test_a_ceiling_holds_at_every_size_and_the_worst_is_named():
    judged = judge("export", curve([5, 9_000, 5, 8_000, 5]), Promise(ceiling=7_000))
    assert judged.reason == "peak 9.00 kB at 16,000 is over the budget of 7.00 kB"
    alone = judge("export", curve([9_000], (5,)), Promise(ceiling=7_000))
    assert alone.reason == "peak 9.00 kB is over the budget of 7.00 kB"


@pytest.mark.parametrize(
    ("before", "witness", "noise", "allowed"),
    [
        (0, "heap", 0, 64 * KiB),
        (1_000_000, "heap", 0, 64 * KiB),
        (10_000_000, "heap", 0, 500_000),
        (10_000_000, "rss", 0, 1024 * KiB),
        (100_000_000, "rss", 0, 5_000_000),
        (10_000_000, "heap", 7, 500_007),
    ],
)
def test_the_tolerance_is_a_share_or_what_the_witness_cannot_tell(before, witness, noise, allowed):
    assert tolerance(before, witness, noise) == allowed
    last = earlier([before] * 5)
    at = curve([*[before] * 4, before + allowed], witness=witness, noise=noise)
    assert judge("export", at, Promise(), last).standing == "kept"
    over = curve([*[before] * 4, before + allowed + 1], witness=witness, noise=noise)
    assert judge("export", over, Promise(), last).standing == "broken"


@pytest.mark.parametrize(("peak", "smaller"), [(9_500_000, False), (9_499_999, True)])
def test_what_shrank_by_more_than_the_tolerance_is_smaller(peak, smaller):
    said = earlier([10_000_000] * 5, name="baseline").smaller(curve([peak] * 5))
    assert bool(said) is smaller
    assert earlier([10_000_000] * 5).larger(curve([peak] * 5)) == ""


def test_the_size_that_has_grown_the_most_is_named_with_what_it_is_compared_to():
    last = earlier(FLAT, when="2026-11-23", name="baseline")
    now = curve([1_000_000, 3_000_000, 2_000_000, 1_000_000, 1_000_000])
    assert judge("export", now, Promise(), last).reason == (
        "peak 3.00 MB at 16,000 is 2.00 MB more than the 1.00 MB of the baseline (2026-11-23)"
    )


def test_sizes_that_were_not_there_are_not_compared():
    assert judge("export", curve(LEAKY), Promise(), PreviousRun({})).standing == "kept"


def test_an_error_is_an_error_with_its_details_whatever_was_promised():
    promise = Promise(lab.O(1), ceiling=10)
    judged = judge("export", failing("no such thing", "line 3"), promise)
    assert (judged.standing, judged.reasons) == ("error", ("no such thing",))
    assert (judged.details, judged.verdict) == ("line 3", None)
    assert explain(judged) == "no such thing.\n\nline 3"


def test_what_was_seen_before_an_error_still_breaks_a_ceiling():
    judged = judge("export", failing("it took too long", peaks=[20, 40]), Promise(ceiling=30))
    assert judged.standing == "broken"
    assert judged.reasons == (
        "peak 40.0 B at 16,000 is over the budget of 30.0 B",
        "it took too long",
    )


def test_the_worst_reason_comes_first_and_all_are_given_where_all_is_kept():
    both = judge("export", curve(LEAKY), Promise(lab.O(1), ceiling=10**9))
    assert [reason[:4] for reason in both.reasons] == ["O(1)", "peak"]
    assert both.reason == both.reasons[0]
    kept = judge("export", curve(FLAT), Promise(lab.O(1), ceiling=10**9))
    assert kept.reason == "; ".join(kept.reasons)
    capped = judge("export", curve(FLAT), Promise(lab.O(1)), more=[("broken", "it died")])
    assert (capped.standing, capped.reason) == ("broken", "it died")


OLD = Site("app.py", 1, "f", 1_000_000, "a = b")
NEW = Site("app.py", 9, "f", 3_000_000, "kept.append(c)")
LIBRARY = Site("/usr/lib/x.py", 5, "g", 9_000_000, "d = e")


def test_broken_growth_names_the_lines_that_grow():
    sites = [(OLD,), (), (), (), (OLD, NEW)]
    judged = judge("export", curve(LEAKY, sites=sites), Promise(lab.O(1)))
    assert (judged.heading, judged.sites) == ("What grows from 8,000 to 128,000", (NEW,))


def test_more_than_before_names_the_lines_that_hold_more_than_then():
    now = curve([*FLAT[:4], 4_000_000], sites=[(), (), (), (), (NEW, OLD)])
    judged = judge("export", now, Promise(), earlier(FLAT, sites=(OLD,)))
    assert (judged.heading, judged.sites) == ("What holds more than in the last good run", (NEW,))


def test_lines_outside_the_project_are_not_compared_with_a_run_that_kept_only_those_inside():
    now = curve([*FLAT[:4], 4_000_000], sites=[(), (), (), (), (LIBRARY, NEW, OLD)])
    last = earlier(FLAT, sites=(OLD,), name="baseline", inside=True)
    assert judge("export", now, Promise(), last).sites == (NEW,)


def test_a_ceiling_names_what_holds_the_most():
    small = Site("app.py", 2, "f", 9, "x = y")
    now = curve(FLAT, sites=[(), (), (), (), (NEW, OLD, small)])
    judged = judge("export", now, Promise(ceiling=1))
    assert (judged.heading, judged.sites) == ("What holds the most at the peak", (NEW, OLD))
    assert judge("export", now, Promise(ceiling=10**9)).sites == ()


def test_everything_is_explained_in_plain_text():
    sites = [(OLD,), (), (), (), (NEW, OLD)]
    last = earlier(FLAT, name="baseline")
    judged = judge("export", curve(LEAKY, sites=sites), Promise(lab.O(1)), last)
    said = explain(judged)
    assert said.splitlines()[0].startswith("O(1) broken: grows with n: 100 B per item")
    assert "128,000    12.8 MB   1.00 MB" in said
    assert "What grows from 8,000 to 128,000:\n    3.00 MB  app.py:9 in f: kept.append(c)" in said


def test_what_could_not_be_measured_is_explained_by_its_error():
    assert explain(failed("export", "no such module", "File x")) == "no such module.\n\nFile x"
    assert [sentence(text) for text in ("a", "a.", "a?")] == ["a.", "a.", "a?"]


@pytest.mark.parametrize(
    ("standings", "of_all", "code"),
    [
        ([], "kept", 0),
        (["kept", "kept"], "kept", 0),
        (["kept", "inconclusive"], "inconclusive", 3),
        (["inconclusive", "error"], "error", 2),
        (["error", "broken", "kept"], "broken", 1),
    ],
)
def test_the_worst_decides_and_so_the_exit_code(standings, of_all, code):
    assert (worst(standings), exit_code(standings)) == (of_all, code)


def test_standings_are_counted():
    assert summarise(["kept", "broken", "kept"]) == "2 kept, 1 broken"
    assert summarise(["error", "inconclusive"]) == "1 inconclusive, 1 error"
    assert summarise(["error", "error"]) == "2 errors"


def test_findings_settle_on_the_worst():
    found = combine([("kept", "a"), ("error", "b"), ("broken", "c")])
    assert found == ("broken", ("c", "b", "a"))
    assert combine([]) == ("kept", ())
