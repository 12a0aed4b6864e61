"""Verdicts are arithmetic over curves: kept, broken, or honestly undecided."""

import math
import subprocess
import sys
from dataclasses import replace

import pytest

from lab.claim import O
from lab.curves.curve import Curve, Point
from lab.curves.verdict import suggest, verdict
from lab.errors import LabError
from lab.units import doubling

SIZES = (8_000, 16_000, 32_000, 64_000, 128_000)


def curve(f, axis="n", sizes=SIZES, witness="heap"):
    field = {"heap": "peak_heap_bytes", "rss": "peak_rss_bytes"}[witness]
    return Curve("f", axis, tuple(Point(n, **{field: round(f(n))}) for n in sizes), witness)


@pytest.mark.parametrize(
    ("f", "of_constant", "of_n"),
    [
        (lambda n: 9_000_000, "kept", "broken"),
        (lambda n: 9_000_000 + 32 * n, "broken", "kept"),
        (lambda n: 1.0 * n, "broken", "kept"),
        (lambda n: 9_000_000 + 1_000 * n**0.5, "broken", "kept"),
        (lambda n: n * 17, "broken", "kept"),
        (lambda n: n**2 / 1_000, "broken", "broken"),
        (lambda n: 2 ** (n / 4_000), "broken", "broken"),
    ],
)
def test_exact_curves(f, of_constant, of_n):
    assert verdict(curve(f), O(1)).finding == of_constant
    assert verdict(curve(f), O("n")).finding == of_n


def test_a_leak_of_one_byte_per_item_is_seen_and_half_of_it_is_not_called_one():
    assert verdict(curve(lambda n: 5_000_000 + n), O(1)).finding == "broken"
    assert verdict(curve(lambda n: 5_000_000 + n / 2), O(1)).finding == "kept"


def test_sizes_that_are_too_small_are_not_kept():
    small = verdict(curve(lambda n: 32 * n, sizes=(1, 2, 4, 8, 16)), O(1))
    assert small.finding == "inconclusive"
    assert "too small to tell" in small.reason


ONE = O(1)


def of_peaks(*peaks, sizes, claim=ONE, **more):
    points = [
        Point(
            n,
            p,
            garbage_bytes=more.get("garbage", {}).get(n, 0),
            garbage=more.get("objects", {}).get(n, 0),
        )
        for n, p in zip(sizes, peaks, strict=True)
    ]
    return verdict(Curve("f", "n", tuple(points), asked=more.get("asked", 0)), claim)


def test_memory_that_has_stopped_is_not_called_growth_for_its_last_small_steps():
    """They are more than the resolution, and less than a hundredth of the peak."""
    sizes = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400)
    peaks = (7.82, 15.3, 30.3, 60.3, 120, 190, 210, 211, 212)
    found = of_peaks(*(int(p * 1e6) for p in peaks), sizes=sizes)
    assert (found.finding, found.wants) == ("inconclusive", "larger sizes")
    roots = [int(40_000_000 * (n / 25) ** 0.5) for n in sizes]
    assert of_peaks(*roots, sizes=sizes).finding == "broken"
    logs = [int(5_000_000 * i) for i in range(1, 10)]
    assert of_peaks(*logs, sizes=sizes).finding == "broken"


def test_little_growth_that_fades_is_broken_only_if_it_is_confirmed():
    sizes = (100, 200, 400, 800, 1_600, 3_200, 6_400)
    fading = [358_000, 465_000, 488_000, 531_000, 619_000, 683_000, 706_000]
    assert of_peaks(*fading, sizes=sizes, asked=5).finding == "inconclusive"
    steady = [300_000 + 200 * n for n in sizes]
    assert of_peaks(*steady, sizes=sizes, asked=5).finding == "broken"


def test_few_objects_that_wait_for_the_collector_and_hold_much_are_no_growth():
    sizes = (8_000, 16_000, 32_000, 64_000, 128_000)
    peaks = [100 * n for n in sizes]
    found = of_peaks(
        *peaks,
        sizes=sizes,
        objects={n: n // 500 for n in sizes},
        garbage={n: 95 * n for n in sizes},
    )
    assert (found.finding, found.wants) == ("inconclusive", "larger sizes")
    assert "wait for the garbage collector" in found.reason
    found = of_peaks(
        *peaks, sizes=sizes, objects={n: n // 500 for n in sizes}, garbage={n: 5 * n for n in sizes}
    )
    assert found.finding == "broken"


def test_growth_in_proportion_that_slows_is_followed():
    sizes = (8_000, 16_000, 32_000, 64_000, 128_000)
    peaks = (210_000, 400_000, 790_000, 1_590_000, 2_140_000)
    assert of_peaks(*peaks, sizes=sizes, claim=O("n")).wants == "larger sizes"
    assert of_peaks(*(25 * n for n in sizes), sizes=sizes, claim=O("n")).wants == ""


def test_four_sizes_are_too_few():
    few = verdict(curve(lambda n: 9, sizes=SIZES[:4]), O(1))
    assert (few.finding, few.growth) == ("inconclusive", None)


def test_points_without_a_figure_do_not_count_and_their_error_is_told():
    points = (*curve(lambda n: 9, sizes=SIZES[:4]).points, Point(128_000, error="not finished"))
    cut = verdict(Curve("f", "n", points), O(1))
    assert cut.finding == "inconclusive"
    assert "not finished" in cut.reason


def test_memory_that_rises_to_a_batch_and_stops_is_not_called_growth():
    level = verdict(curve(lambda n: 40 * min(n, 32_000)), O(1))
    assert level.finding == "inconclusive"
    assert "stops" in level.reason
    assert "take sizes 32000..512000" in level.reason
    assert level.wants == "larger sizes"


def test_memory_that_fills_up_is_flat_once_the_sizes_are_large_enough():
    def fills(n):
        return 500_000 + 55 * min(n, 72_000)

    slowing = verdict(curve(fills), O(1))
    assert (slowing.finding, slowing.wants) == ("inconclusive", "larger sizes")
    assert "more and more slowly" in slowing.reason
    assert "take sizes 128000..2048000" in slowing.reason
    longer = verdict(curve(fills, sizes=doubling(8_000, 2_048_000)), O(1))
    assert longer.finding == "kept"
    assert "rises to 4.46 MB and then is flat" in longer.reason


@pytest.mark.parametrize(
    "f",
    [lambda n: 4_000 * math.isqrt(n), lambda n: 300_000 * n.bit_length(), lambda n: n // 2],
    ids=["root", "logarithm", "half a byte"],
)
def test_what_grows_without_end_is_broken_however_slowly(f):
    assert verdict(curve(f, sizes=doubling(256_000, 4_096_000)), O(1)).finding == "broken"


def test_garbage_that_waits_for_the_collector_is_not_called_growth():
    def points(per_item):
        return tuple(Point(n, 1_000 * n, garbage=int(n * per_item)) for n in (100, 200, 400, 800))

    waiting = replace(
        curve(lambda n: n), points=(*points(1), Point(1_600, 1_600_000, garbage=1_600))
    )
    found = verdict(waiting, O(1))
    assert (found.finding, found.wants) == ("inconclusive", "larger sizes")
    assert "1,600 objects in cycles wait for the garbage collector" in found.reason
    none = replace(waiting, points=(*points(0), Point(1_600, 1_600_000)))
    assert verdict(none, O(1)).finding == "broken"
    never = curve(lambda n: 100 * n, sizes=doubling(32_000, 512_000))
    never = replace(never, points=tuple(replace(p, garbage=p.size) for p in never.points))
    assert verdict(never, O(1)).finding == "broken"


def test_growth_that_bends_upwards_is_measured_further():
    def late(n):
        return max(100 * n, n * n // 1_000)

    bends = verdict(curve(late), O("n"))
    assert bends.wants == "larger sizes"
    assert verdict(curve(late, sizes=doubling(8_000, 512_000)), O("n")).finding == "broken"


@pytest.mark.parametrize("bend", [20_000, 40_000, 100_000, 200_000])
def test_the_larger_of_two_costs_in_proportion_bends_once_and_is_no_faster(bend):
    both = curve(lambda n: max(100 * n, 400 * n - 300 * bend), sizes=doubling(8_000, 512_000))
    assert verdict(both, O("n")).finding != "broken"


def test_the_size_of_an_item_decides_what_a_leak_is():
    def documents(per_item, size):
        points = tuple(
            Point(n, 5_000_000 + per_item * n, counts={"items": n, "bytes": size * n})
            for n in (50, 100, 200, 400, 800)
        )
        return verdict(Curve("f", "n", points), O(1))

    assert documents(0, 100_000).finding == "kept"
    assert documents(2_000, 100_000).finding == "broken"
    small = documents(0, 500)
    assert small.finding == "inconclusive"
    assert "a leak of 5.00 B per item" in small.reason


def test_without_a_claim_memory_that_may_fill_up_is_followed_as_well():
    def fills(n):
        return 500_000 + 55 * min(n, 72_000)

    assert suggest(curve(fills)).wants == "larger sizes"
    longer = suggest(curve(fills, sizes=doubling(8_000, 2_048_000)))
    assert (str(longer.claim), longer.finding) == ("O(1)", "kept")
    assert suggest(curve(lambda n: 55 * n)).wants == ""


def test_a_curve_that_is_linear_over_uneven_sizes_does_not_level_off():
    sizes = (1_000, 100_000, 100_100, 100_200, 100_300)
    assert verdict(curve(lambda n: 100 * n, sizes=sizes), O(1)).finding == "broken"


def test_quadratic_growth_is_not_kept_because_its_beginning_is_flat():
    flat_at_first = curve(lambda n: max(10_000_000, n**2 / 1_000))
    assert verdict(flat_at_first, O("n")).finding != "kept"
    longer = curve(lambda n: max(10_000_000, n**2 / 1_000), sizes=doubling(8_000, 1_024_000))
    assert verdict(longer, O("n")).finding == "broken"


def test_n_means_the_axis_that_was_swept():
    assert verdict(curve(lambda n: 32 * n, "rows"), O("n")).finding == "kept"
    assert verdict(curve(lambda n: 9, "rows"), O("n")).finding == "broken"


def test_a_claim_about_rows_needs_an_axis_of_rows():
    with pytest.raises(LabError, match=r"names the axis rows, but .* n: say --axis rows"):
        verdict(curve(lambda n: 9), O("rows"))


def test_a_verdict_needs_curves_of_memory():
    with pytest.raises(LabError, match="at least one curve"):
        verdict([], O(1))
    with pytest.raises(LabError, match="a verdict is about memory"):
        verdict(Curve("f", "n", (), "seconds"), O(1))


def test_constant_memory_for_a_few_clients_can_be_seen():
    clients = curve(lambda n: 9_000_000, "clients", sizes=(4, 8, 16, 32, 64))
    assert verdict(clients, O(1)).finding == "kept"


def test_a_ragged_curve_is_undecided():
    ragged = dict(zip(SIZES, (5_000_000, 5_900_000, 5_100_000, 5_800_000, 5_300_000), strict=True))
    assert verdict(curve(ragged.get), O(1)).finding == "inconclusive"


def test_a_claim_of_two_axes_needs_both_and_of_several_curves_the_broken_one_decides():
    flat, growing = curve(lambda n: 9, "rows"), curve(lambda n: 5_000 * n, "batch")
    assert verdict([flat, growing], O("batch")).finding == "kept"
    assert verdict([growing, flat], O("batch")).finding == "kept"
    assert verdict([flat, growing], O("rows")).axis == "rows"
    assert verdict([growing, growing], O("rows")).finding == "broken"


def test_a_claim_of_growth_is_broken_by_a_flat_curve():
    better = verdict(curve(lambda n: 9_000_000, "rows"), O("rows"))
    assert better.finding == "broken"
    assert "does not grow" in better.reason


def test_the_resident_set_is_a_coarser_witness():
    def leak(n):
        return 4 * n

    assert verdict(curve(leak), O(1)).finding == "broken"
    assert verdict(curve(leak, witness="rss"), O(1)).finding == "inconclusive"


def test_verdicts_import_no_meter():
    code = "import lab.curves.verdict, sys; print('memray' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_noise_that_is_known_is_allowed_for():
    """A server may be a chunk or two ahead of its clients, or not."""
    jumpy = Curve(
        "GET /",
        "rows",
        tuple(
            Point(size, 10_000_000 + extra)
            for size, extra in zip(doubling(16_000, 256_000), (0, 120_000) * 3, strict=False)
        ),
    )
    assert verdict(jumpy, O(1)).finding == "inconclusive"
    assert verdict(replace(jumpy, noise=128 * 1024), O(1)).finding == "kept"
