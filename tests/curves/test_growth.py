"""Growth is arithmetic: lines, intervals and exponents of curves that are known exactly."""

import math

import pytest

from lab.curves.growth import fit, growth, t_975

SIZES = (8_000, 16_000, 32_000, 64_000, 128_000)


def curve(f):
    return [f(n) for n in SIZES]


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (3, 3.182), (10, 2.228), (11, 2.201), (30, 2.042)]
)
def test_t_quantiles_are_those_of_the_tables(freedom, quantile):
    assert t_975(freedom) == pytest.approx(quantile, abs=0.002)


def test_a_line_through_exact_points_has_no_interval():
    line = fit([1, 2, 3, 4], [12, 14, 16, 18])
    assert (line.slope, line.intercept) == pytest.approx((2, 10))
    assert line.ci95 == pytest.approx((2, 2))
    assert line.at(100) == pytest.approx(210)


def test_the_interval_is_the_textbook_one():
    # By hand: slope 1.4, residuals -0.2, 0.4, -0.2, so s = 0.4899; t is 12.706 for one degree.
    line = fit([1, 2, 3], [1.2, 3.2, 4.0])
    assert line.slope == pytest.approx(1.4)
    assert line.ci95[1] - line.slope == pytest.approx(12.706 * 0.4899 / math.sqrt(2), rel=1e-3)


def test_two_points_say_nothing_of_their_own_uncertainty():
    assert fit([1, 2], [1, 2]).ci95 == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("f", "exponent"),
    [
        (lambda n: 5_000_000 + 36 * n, 1),
        (lambda n: 5_000_000 + n**2 / 1_000, 2),
        (lambda n: 5_000_000 + 1_000 * math.sqrt(n), 0.5),
    ],
)
def test_the_exponent_is_not_disturbed_by_a_constant_part(f, exponent):
    found = growth(SIZES, curve(f))
    assert found.exponent == pytest.approx(exponent, abs=0.01)


def test_n_log_n_is_told_from_proportion():
    found = growth(SIZES, curve(lambda n: n * math.log2(n)))
    assert found.exponent_ci95[0] > 1.05
    assert found.steepens


def test_the_greater_of_two_costs_bends_once_and_does_not_steepen():
    found = growth(SIZES, curve(lambda n: max(50_000_000 + 800 * n, 30_000_000 + 1_200 * n)))
    assert found.exponent > 1.05
    assert not found.steepens


def test_a_curve_that_ends_with_a_step_down_has_no_exponent():
    found = growth(SIZES, [5, 6, 8, 9, 7])
    assert found.exponent is None
    assert found.steps == (1, 2, 1, -2)


def test_the_exponent_is_that_of_the_last_steps_up():
    found = growth(SIZES, [10_000_000, *(n**2 / 1_000 for n in SIZES[1:])])
    assert found.steps[0] < 0
    assert found.exponent == pytest.approx(2, abs=0.01)
