"""How a curve grows: bytes per item with a confidence interval, and an exponent.

Pure arithmetic over sizes and peaks. A slope on logarithmic axes is wrong for a curve with a
constant part (0.6 for a leak of one integer per row next to a large batch), and a few points do
not determine a complexity class. So the slope is that of an ordinary least-squares line through
the unchanged points, and the exponent comes from the differences between neighbouring points, in
which the constant part cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log2, sqrt

_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t, 97.5 % quantile, for 1 to 10 degrees of freedom: two-sided 95 % intervals."""


@dataclass(frozen=True)
class Line:
    """A least-squares line ``intercept + slope * x``, with the 95 % interval of its slope."""

    slope: float
    intercept: float
    ci95: tuple[float, float]

    def at(self, x: float) -> float:
        """Return the line's value at ``x``."""
        return self.intercept + self.slope * x


@dataclass(frozen=True)
class Growth:
    """How the peaks of a curve grow along its axis.

    Attributes:
        line: Peak in bytes against size in items; its slope is the bytes per item.
        span: Items between the smallest and the largest size.
        steps: Bytes added from each size to the next.
        exponent: 1 for growth in proportion, 2 for quadratic growth, from the last steps that all
            go up; None if there are fewer than two of them.
        exponent_ci95: Its 95 % interval, or None.
        steepens: The number of those steps if each adds at least 3 % more per item than the one
            before; otherwise 0. The maximum of two proportional costs bends once; n log n bends at
            every step.
    """

    line: Line
    span: int
    steps: tuple[float, ...]
    exponent: float | None
    exponent_ci95: tuple[float, float] | None
    steepens: int

    @property
    def per_item(self) -> float:
        """Bytes per item."""
        return self.line.slope


def t_975(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t for a number of degrees of freedom.

    Above ten degrees it uses the normal quantile with the first terms of the Cornish-Fisher
    expansion (Abramowitz and Stegun, 26.7.5), which is correct to three digits there.
    """
    if freedom <= len(_T_975):
        return _T_975[freedom - 1]
    z = 1.959964
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def fit(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """Fit a line by ordinary least squares.

    ``xs`` must have two different values. With exactly two points the interval is unbounded.
    """
    count = len(xs)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    spread = sum((x - mean_x) ** 2 for x in xs)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    intercept = mean_y - slope * mean_x
    if count < 3:
        return Line(slope, intercept, (-inf, inf))
    residuals = sum((y - intercept - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    margin = t_975(count - 2) * sqrt(residuals / (count - 2) / spread)
    return Line(slope, intercept, (slope - margin, slope + margin))


def growth(sizes: Sequence[int], peaks: Sequence[float]) -> Growth:
    """Return how peaks grow with sizes; needs at least two sizes, in increasing order."""
    steps = tuple(b - a for a, b in pairwise(peaks))
    middles, slopes = _rising_end(sizes, steps)
    exponent, interval = _exponent(middles, slopes)
    steepens = len(slopes) if all(b > 1.03 * a for a, b in pairwise(slopes)) else 0
    return Growth(fit(sizes, peaks), sizes[-1] - sizes[0], steps, exponent, interval, steepens)


def _rising_end(sizes: Sequence[int], steps: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the middles and slopes, in bytes per item, of the last steps that all go up."""
    middles: list[float] = []
    slopes: list[float] = []
    for (a, b), step in zip(reversed(list(pairwise(sizes))), reversed(steps), strict=True):
        if step <= 0:
            break
        middles.insert(0, (a + b) / 2)
        slopes.insert(0, step / (b - a))
    return middles, slopes


def _exponent(
    middles: Sequence[float], slopes: Sequence[float]
) -> tuple[float | None, tuple[float, float] | None]:
    """Fit a power of the size to the local slopes; a constant slope is the exponent 1."""
    if len(slopes) < 2:
        return None, None
    line = fit([log2(x) for x in middles], [log2(y) for y in slopes])
    return 1 + line.slope, (1 + line.ci95[0], 1 + line.ci95[1])
