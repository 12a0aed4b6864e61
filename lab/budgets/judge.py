"""A budget held against what was measured, and the words for it. Pure arithmetic; no meter.

A budget promises up to three things of a curve: a claim about its growth, a ceiling for its peak
at every size, and that it is no larger than it was in the last good run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.budgets.earlier import Earlier
from lab.measure.curve import Curve, sites_that_grow
from lab.measure.sites import Site
from lab.measure.verdict import EXIT_CODES, Verdict, verdict
from lab.pattern import O
from lab.units import show_bytes, show_count

Standing = Literal["kept", "broken", "inconclusive", "error"]
"""How a budget stands; ``error`` where it could not be measured at all."""

STANDINGS: tuple[Standing, ...] = ("kept", "broken", "inconclusive", "error")

SHOWN = 3
"""Lines of code that a failure names."""

_SMALL = 0.01
"""Of what the first line holds; less is not worth naming beside it."""

Finding = tuple[Standing, str]
"""How one promise stands, and the sentence that says so."""


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


def tally(standings: Sequence[Standing]) -> str:
    """Say how many stand how, as ``5 kept, 1 broken``."""
    counts = {each: standings.count(each) for each in STANDINGS}
    words = {each: "errors" if each == "error" and n > 1 else each for each, n in counts.items()}
    return ", ".join(f"{n} {words[each]}" for each, n in counts.items() if n)


def judge(
    name: str,
    curve: Curve,
    promise: Promise,
    earlier: Earlier | None = None,
    more: Sequence[Finding] = (),
) -> Judged:
    """Hold a promise, and the last good run if there is one, against a curve.

    ``more`` is what else was found of the same budget, such as whether it survives under a cap.
    """
    found = None if curve.overall_error or promise.claim is None else verdict(curve, promise.claim)
    over = _over_ceiling(curve, promise.ceiling)
    larger = earlier.larger(curve) if earlier is not None else ""
    findings = [*_measured(curve, promise, found, over)]
    if larger:
        findings.append(("broken", larger))
    standing, reasons = settle([*findings, *more])
    heading, sites = _blamed(curve, found, earlier if larger else None, over is not None)
    return Judged(
        name,
        standing,
        reasons,
        curve,
        found,
        promise.ceiling,
        earlier,
        sites,
        heading,
        curve.error_details,
    )


def settle(findings: Sequence[Finding]) -> tuple[Standing, tuple[str, ...]]:
    """Return the worst standing among findings, and their sentences, the worst first."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding[0]))
    return worst([standing for standing, _ in ordered]), tuple(reason for _, reason in ordered)


def failed(name: str, error: str, details: str = "") -> Judged:
    """Return how a budget stands that could not be measured."""
    return Judged(name, "error", (error,), details=details)


def explain(judged: Judged) -> str:
    """Say all there is to say about a budget, over several lines of plain text.

    The reasons; the curve as a small table, beside the last good run; the largest lines of code.
    """
    lines = [sentence(reason) for reason in judged.reasons if reason]
    if judged.curve is not None and len(judged.curve.points) > 1 and judged.curve.seen()[0]:
        lines += ["", *_table(judged.curve, judged.earlier)]
    if judged.sites:
        lines += ["", f"{judged.heading}:"]
        lines += [f"  {show_bytes(site.bytes):>9}  {site}" for site in judged.sites[:SHOWN]]
    if judged.details:
        lines += ["", judged.details]
    return "\n".join(lines)


def _measured(
    curve: Curve, promise: Promise, found: Verdict | None, over: Finding | None
) -> Iterator[Finding]:
    """Say how the claim and the ceiling stand, or why there are no figures to say it by."""
    if found is not None:
        allowed = promise.may_be_inconclusive and found.finding == "inconclusive"
        standing: Standing = "kept" if allowed else found.finding
        yield standing, f"{found.claim} {found.finding}: {found.reason}"
    if curve.overall_error:
        yield "error", curve.overall_error
    elif promise.ceiling is not None and over is None:
        yield "kept", f"peak {_peak(curve)}, of {show_bytes(promise.ceiling)}"
    if over is not None:
        yield over


def _blamed(
    curve: Curve, found: Verdict | None, exceeded: Earlier | None, over: bool
) -> tuple[str, tuple[Site, ...]]:
    """Return the lines of code that a failure is due to, under what they are."""
    held = [point for point in curve.points if point.sites]
    last = held[-1].sites if held else ()
    largest = tuple(site for site in last if site.bytes > _SMALL * last[0].bytes)
    if exceeded is not None and (sites := exceeded.gained(last)):
        return f"What holds more than in the {exceeded.name}", sites
    if found is not None and found.finding == "broken" and (sites := sites_that_grow(curve)):
        return f"What grows from {_span(curve)}", sites
    return ("What holds the most at the peak", largest) if over or exceeded else ("", ())


def sentence(reason: str) -> str:
    """End a reason with a full stop, where it has no end of its own."""
    return reason if reason.endswith((".", "?", "!")) else f"{reason}."


def _over_ceiling(curve: Curve, ceiling: int | None) -> Finding | None:
    sizes, peaks = curve.seen()
    over = [(peak, size) for size, peak in zip(sizes, peaks, strict=True) if peak > (ceiling or 0)]
    if ceiling is None or not over:
        return None
    peak, size = max(over)
    at = f" at {show_count(size)}" if len(curve.points) > 1 else ""
    return "broken", f"peak {show_bytes(peak)}{at} is over the budget of {show_bytes(ceiling)}"


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
        header.append(earlier.name)
        for row, point in zip(rows, curve.points, strict=True):
            before = earlier.peaks.get(point.size)
            row.append("-" if before is None else show_bytes(before))
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in [header, *rows]
    ]
