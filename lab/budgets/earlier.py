"""An earlier run of the same thing, and what counts as more, or as less, than it needed then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.measure.curve import Curve, Witness
from lab.measure.sites import Site, gained
from lab.measure.verdict import RESOLUTION
from lab.units import show_bytes, show_count

_SHARE = 0.05


def tolerance(before: float, witness: Witness, noise: int = 0) -> int:
    """Return the bytes by which a peak may exceed an earlier one without being called larger.

    5 %, or what the witness cannot tell, whichever is more: a share of almost nothing would
    always be exceeded.
    """
    return round(max(_SHARE * before, RESOLUTION[witness])) + noise


@dataclass(frozen=True)
class Earlier:
    """The last good run of the same thing.

    Attributes:
        peaks: Bytes at each size.
        sites: The lines that held the most at the largest size.
        when: What identifies the run to a reader, such as its date.
        name: What it is called: the last good run, the baseline.
        inside: Of its lines only those inside the project were kept.
    """

    peaks: Mapping[int, int]
    sites: tuple[Site, ...] = ()
    when: str = ""
    name: str = "last good run"
    inside: bool = False

    def gained(self, now: Sequence[Site]) -> tuple[Site, ...]:
        """Return the lines that hold more now, as far as can be told."""
        if self.inside:
            return gained(self.sites, [site for site in now if site.inside])
        return gained(self.sites, now) if self.sites else ()

    def larger(self, curve: Curve) -> str:
        """Name the size at which the peak has grown the most, if by more than is tolerated."""
        return self._difference(curve, 1, "more")

    def smaller(self, curve: Curve) -> str:
        """Name the size at which the peak has shrunk the most, likewise."""
        return self._difference(curve, -1, "less")

    def _difference(self, curve: Curve, sign: int, word: str) -> str:
        beyond = []
        for size, peak in zip(*curve.seen(), strict=True):
            before = self.peaks.get(size)
            if before is None:
                continue
            by = sign * (peak - before)
            if by > tolerance(before, curve.witness, curve.noise):
                beyond.append((by, size, before, peak))
        if not beyond:
            return ""
        by, size, before, peak = max(beyond)
        at = f" at {show_count(size)}" if len(curve.points) > 1 else ""
        since = f" ({self.when})" if self.when else ""
        return (
            f"peak {show_bytes(peak)}{at} is {show_bytes(by)} {word} than the "
            f"{show_bytes(before)} of the {self.name}{since}"
        )
