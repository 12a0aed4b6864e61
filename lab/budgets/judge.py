"""A budget held against what was measured, and the words for it. Pure arithmetic; no meter.

A budget promises up to three things of a curve: a claim about its growth, a ceiling for its peak
at every size, and that it is no larger than it was in the last good run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.measure.curve import Curve, Witness, sites_that_grow
from lab.measure.sites import Site, gained
from lab.measure.verdict import EXIT_CODES, RESOLUTION, Verdict, verdict
from lab.pattern import O
from lab.units import show_bytes, show_count

Standing = Literal["kept", "broken", "inconclusive", "error"]
"""How a budget stands; ``error`` where it could not be measured at all."""

SHOWN = 3
"""Lines of code that a failure names."""

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
    """

    peaks: Mapping[int, int]
    sites: tuple[Site, ...] = ()
    when: str = ""


@dataclass(frozen=True)
class Judged:
    """How one budget stands.

    Attributes:
        name: The budget's, or the test's.
        standing: ``kept``, ``broken``, ``inconclusive`` or ``error``.
        reasons: A sentence for each promise that was looked at, the worst first.
        curve: What was measured; None where nothing could be.
        verdict: On the claim, if one was made.
        ceiling: Bytes that no point may exceed, if there is such a promise.
        earlier: The last good run, if there is one.
        sites: The lines of code that a failure is due to, the most bytes first.
        heading: What those lines are.
        details: The end of a traceback, for an error.
    """

    name: str
    standing: Standing
    reasons: tuple[str, ...]
    curve: Curve | None = None
    verdict: Verdict | None = None
    ceiling: int | None = None
    earlier: Earlier | None = None
    sites: tuple[Site, ...] = ()
    heading: str = ""
    details: str = ""

    @property
    def reason(self) -> str:
        """The worst of the reasons, or all of them where every promise is kept."""
        return "; ".join(self.reasons) if self.standing == "kept" else self.reasons[0]


@dataclass(frozen=True)
class Promise:
    """What is promised of a curve.

    Attributes:
        claim: How it grows, or None.
        ceiling: Most bytes at any size, or None.
        may_be_inconclusive: Whether a claim that cannot be told from noise counts as kept.
    """

    claim: O | None = None
    ceiling: int | None = None
    may_be_inconclusive: bool = False


_ORDER: tuple[Standing, ...] = ("broken", "error", "inconclusive", "kept")


def worst(standings: Sequence[Standing]) -> Standing:
    """Return the worst of several; what is broken is broken, whatever else could not be asked."""
    return min(standings, key=_ORDER.index, default="kept")


def exit_code(standings: Sequence[Standing]) -> int:
    """Return 0 for kept, 1 for broken, 2 for an error and 3 for inconclusive, of the worst."""
    found = worst(standings)
    return 2 if found == "error" else EXIT_CODES[found]


def judge(name: str, curve: Curve, promise: Promise, earlier: Earlier | None = None) -> Judged:
    """Hold a promise, and the last good run if there is one, against a curve."""
    findings: list[tuple[Standing, str]] = []
    found: Verdict | None = None
    if curve.overall_error:
        findings.append(("error", curve.overall_error))
    elif promise.claim is not None:
        found = verdict(curve, promise.claim)
        allowed = promise.may_be_inconclusive and found.finding == "inconclusive"
        standing: Standing = "kept" if allowed else found.finding
        findings.append((standing, f"{found.claim} {found.finding}: {found.reason}"))
    over = _over_ceiling(curve, promise.ceiling)
    if promise.ceiling is not None and not curve.overall_error:
        findings.append(over or ("kept", f"peak {_peak(curve)}, of {show_bytes(promise.ceiling)}"))
    larger = _larger_than(curve, earlier)
    if larger is not None:
        findings.append(larger)
    findings.sort(key=lambda finding: _ORDER.index(finding[0]))
    heading, sites = "", tuple[Site, ...]()
    if larger is not None and earlier is not None and earlier.sites:
        heading = "What holds more than in the last good run"
        sites = gained(earlier.sites, curve.points[-1].sites)
    elif found is not None and found.finding == "broken" and (sites := sites_that_grow(curve)):
        heading = f"What grows from {_span(curve)}"
    elif over is not None:
        heading, sites = "What holds the most at the peak", curve.points[-1].sites
    return Judged(
        name,
        worst([standing for standing, _ in findings]),
        tuple(reason for _, reason in findings),
        curve,
        found,
        promise.ceiling,
        earlier,
        sites,
        heading,
    )


def failed(name: str, error: str, details: str = "") -> Judged:
    """Return how a budget stands that could not be measured."""
    return Judged(name, "error", (error,), details=details)


def explain(judged: Judged) -> str:
    """Say all there is to say about a budget, over several lines of plain text.

    The reasons; the curve as a small table, beside the last good run; the largest lines of code.
    """
    lines = [f"{reason}." for reason in judged.reasons if reason]
    if judged.curve is not None and judged.curve.points:
        lines += ["", *_table(judged.curve, judged.earlier)]
    if judged.sites:
        lines += ["", f"{judged.heading}:"]
        lines += [f"  {show_bytes(site.bytes):>9}  {site}" for site in judged.sites[:SHOWN]]
    if judged.details:
        lines += ["", judged.details]
    return "\n".join(lines)


def _over_ceiling(curve: Curve, ceiling: int | None) -> tuple[Standing, str] | None:
    sizes, peaks = curve.seen()
    over = [(peak, size) for size, peak in zip(sizes, peaks, strict=True) if peak > (ceiling or 0)]
    if ceiling is None or not over:
        return None
    peak, size = max(over)
    at = f" at {show_count(size)}" if len(curve.points) > 1 else ""
    return "broken", f"peak {show_bytes(peak)}{at} is over the budget of {show_bytes(ceiling)}"


def _larger_than(curve: Curve, earlier: Earlier | None) -> tuple[Standing, str] | None:
    """Name the size at which the peak has grown the most over the last good run, if it has."""
    if earlier is None:
        return None
    grown = []
    for size, peak in zip(*curve.seen(), strict=True):
        before = earlier.peaks.get(size)
        if before is not None and peak > before + tolerance(before, curve.witness, curve.noise):
            grown.append((peak - before, size, before, peak))
    if not grown:
        return None
    more, size, before, peak = max(grown)
    since = f" ({earlier.when})" if earlier.when else ""
    return "broken", (
        f"peak {show_bytes(peak)} at {show_count(size)} is {show_bytes(more)} more than the "
        f"{show_bytes(before)} of the last good run{since}"
    )


def _peak(curve: Curve) -> str:
    return show_bytes(max(curve.seen()[1], default=0))


def _span(curve: Curve) -> str:
    sizes, _ = curve.seen()
    return f"{show_count(sizes[0])} to {show_count(sizes[-1])}"


def _table(curve: Curve, earlier: Earlier | None) -> list[str]:
    header = [curve.axis, "peak " + curve.witness]
    rows = []
    for point in curve.points:
        peak = point.peak(curve.witness)
        rows.append([show_count(point.size), "-" if peak is None else show_bytes(peak)])
    if earlier is not None:
        header.append("last good run")
        for row, point in zip(rows, curve.points, strict=True):
            before = earlier.peaks.get(point.size)
            row.append("-" if before is None else show_bytes(before))
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in [header, *rows]
    ]
