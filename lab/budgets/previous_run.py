"""An earlier run of the same subject, and which differences from it count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.curves.allocation_sites import Site, gained
from lab.curves.curve import Curve, Witness
from lab.curves.limits import RESOLUTION
from lab.units import show_bytes, show_count

_SHARE = 0.05
"""Of the earlier peak; a smaller difference does not count."""


def tolerance(before: float, witness: Witness, noise: int = 0) -> int:
    """Return the bytes by which a peak may exceed an earlier one and still count as the same.

    This is 5 % or the resolution of the witness, whichever is more, plus the noise: 5 % of a tiny
    peak would always be exceeded.

    Args:
        before: The earlier peak in bytes.
        witness: What measured both peaks.
        noise: Bytes by which two runs of the same may differ.
    """
    return round(max(_SHARE * before, RESOLUTION[witness])) + noise


@dataclass(frozen=True)
class PreviousRun:
    """The last good run of the same subject.

    Attributes:
        peaks: Bytes at each size.
        sites: The lines that held the most memory at the largest size.
        when: What identifies the run for a reader, such as its date.
        name: The name in messages: "last good run" or "baseline".
        inside: Whether ``sites`` has only lines inside the project.
    """

    peaks: Mapping[int, int]
    sites: tuple[Site, ...] = ()
    when: str = ""
    name: str = "last good run"
    inside: bool = False

    def gained(self, now: Sequence[Site]) -> tuple[Site, ...]:
        """Return the lines that hold more now, and how much more; none if this run has no lines."""
        if self.inside:
            return gained(self.sites, [site for site in now if site.inside])
        return gained(self.sites, now) if self.sites else ()

    def larger(self, curve: Curve) -> str:
        """Return a sentence for the largest growth of the peak; empty within the tolerance."""
        return self._difference(curve, 1, "more")

    def smaller(self, curve: Curve) -> str:
        """Return a sentence for the largest decrease of the peak; empty within the tolerance."""
        return self._difference(curve, -1, "less")

    def _difference(self, curve: Curve, sign: int, word: str) -> str:
        differences = []
        for size, peak in zip(*curve.seen(), strict=True):
            before = self.peaks.get(size)
            if before is None:
                continue
            by = sign * (peak - before)
            if by > tolerance(before, curve.witness, curve.noise):
                differences.append((by, size, before, peak))
        if not differences:
            return ""
        by, size, before, peak = max(differences)
        at = f" at {show_count(size)}" if len(curve.points) > 1 else ""
        since = f" ({self.when})" if self.when else ""
        return (
            f"peak {show_bytes(peak)}{at} is {show_bytes(by)} {word} than the "
            f"{show_bytes(before)} of the {self.name}{since}"
        )
