"""The shape of a curve: flat, growing, or slower and slower, as far as its sizes can show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from lab.curves.growth import Growth, growth
from lab.curves.limits import FEWEST_SIZES

_CERTAIN = 0.99
"""Factor on the smallest leak, so that a slope of exactly that value counts as a leak."""

_SLOWER, _MUCH_SLOWER = 0.9, 0.5
"""Shares of a step that the steps before let expect.

After a smaller step than the first share the growth may be at its end; one that is smaller than the
second share was its end, also if another small step follows.
"""
_FADED = 0.25
"""Share of the first slope; that of a root falls to a third over five sizes."""

_STEEPER = 1.15
"""Ratio of neighbouring slopes from which growth counts as bending."""


@dataclass(frozen=True)
class Shape:
    """Peaks over sizes, and what counts as growth.

    Attributes:
        sizes: Increasing, two or more.
        peaks: Bytes at each size.
        resolution: Bytes below which growth may be noise.
        leak: Bytes per item below which growth does not count.
    """

    sizes: Sequence[int]
    peaks: Sequence[float]
    resolution: int
    leak: float

    @cached_property
    def growth(self) -> Growth:
        """The growth over all sizes."""
        return growth(self.sizes, self.peaks)

    @cached_property
    def end(self) -> "Shape":
        """The largest `FEWEST_SIZES` sizes."""
        last = slice(-FEWEST_SIZES, None)
        return Shape(self.sizes[last], self.peaks[last], self.resolution, self.leak)

    @property
    def too_short(self) -> bool:
        """Whether the smallest leak would stay below the resolution."""
        return self.growth.span * self.leak < self.resolution

    @property
    def flat(self) -> bool:
        """Whether it does not grow, over sizes that are enough to show a leak."""
        below = self.growth.line.ci95[1] < _CERTAIN * self.leak
        within = max(self.peaks) - min(self.peaks) < self.resolution
        return (below or within) and not self.too_short and not self._every_step_shows

    @property
    def rises(self) -> bool:
        """Whether it certainly grows over these sizes."""
        low = self.growth.line.ci95[0]
        certain = low > _CERTAIN * self.leak and low * self.growth.span > self.resolution
        return certain or self._every_step_shows

    @property
    def grows(self) -> bool:
        """Whether it rises, and shows no sign of an end."""
        return self.rises and not self.slows

    @property
    def slows(self) -> bool:
        """Whether the last step is smaller than the steps before let expect.

        These have a trend, such as halves of slopes for a logarithm; memory that fills up and
        stops breaks it.
        """
        slopes = self._slopes
        if len(slopes) < 3 or min(slopes[:-1]) <= 0:
            return self.growth.steps[-1] < self.resolution < max(self.growth.steps)
        before_last = len(slopes) > 3 and self.growth.steps[-2] < _MUCH_SLOWER * self._expected(-2)
        return before_last or self.growth.steps[-1] < _SLOWER * self._expected(-1) - (
            self.resolution / 2
        )

    def _expected(self, step: int) -> float:
        """Return the bytes of a step that the two steps before it let expect."""
        slopes = self._slopes
        trend = min(1.0, slopes[step - 1] / slopes[step - 2])
        return slopes[step - 1] * trend * (self.sizes[step] - self.sizes[step - 1])

    @property
    def fades(self) -> bool:
        """Whether the last step is much less steep than the first, and so may be the last one."""
        return self._slopes[-1] < _FADED * self._slopes[0]

    @property
    def stopped(self) -> bool:
        """Whether memory rose, and the last two steps were too small to be seen."""
        rose = max(self.growth.steps[:-2], default=0) > self.resolution
        return rose and max(map(abs, self.growth.steps[-2:])) < self.resolution

    @property
    def ragged(self) -> bool:
        """Whether memory falls from a size to the next by more than the resolution."""
        return min(self.growth.steps) < -self.resolution

    @property
    def bends(self) -> bool:
        """Whether the last step is steeper than the one before: growth may be about to speed up."""
        slopes = self._slopes
        return len(slopes) > 1 and slopes[-1] > _STEEPER * max(0, *slopes[:-1])

    @property
    def keeps_bending(self) -> bool:
        """Whether each of the last three steps is steeper than the one before.

        The larger of two costs in proportion bends once, over at most two steps.
        """
        last = self._slopes[-4:]
        return len(last) == 4 and last[0] > 0 and all(b > _STEEPER * a for a, b in pairwise(last))

    @property
    def _every_step_shows(self) -> bool:
        return min(self.growth.steps) > self.resolution

    @cached_property
    def _slopes(self) -> list[float]:
        return [
            step / (b - a)
            for step, (a, b) in zip(self.growth.steps, pairwise(self.sizes), strict=True)
        ]
