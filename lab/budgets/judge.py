"""Judge a measured curve by a budget, and put the verdict into words. Only arithmetic.

A budget makes up to three promises about a curve: a claim about its growth, a ceiling for its peak
at every size, and a peak that is not larger than in the last good run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.budgets.previous_run import PreviousRun
from lab.claim import O
from lab.curves.allocation_sites import Site
from lab.curves.curve import Curve, Point, sites_that_grow
from lab.curves.decide import Wants
from lab.curves.evidence import NOT_OF_THE_HEAP, unseen
from lab.curves.verdict import EXIT_CODES, Verdict, verdict
from lab.units import show_bytes, show_count

Standing = Literal["kept", "broken", "inconclusive", "error"]
"""The result for a budget; ``error`` if it could not be measured."""

STANDINGS: tuple[Standing, ...] = ("kept", "broken", "inconclusive", "error")

SHOWN = 3
"""Most lines of code that a failure names."""

_SMALL = 0.01
"""A line of code with less than this share of the largest line's bytes is not named."""

PromiseResult = tuple[Standing, str]
"""The standing of one promise, and a sentence that explains it."""


@dataclass(frozen=True)
class BudgetVerdict:
    """The verdict on one budget.

    Attributes:
        name: Name of the budget, or of the test.
        standing: ``kept``, ``broken``, ``inconclusive`` or ``error``.
        reasons: A sentence for each promise that was judged, the worst first.
        curve: The measured curve; None if nothing was measured.
        verdict: The verdict on the claim; None without a claim.
        ceiling: Bytes that no point may exceed, or None.
        earlier: The last good run, or None.
        sites: The lines of code that cause a failure, the most bytes first.
        heading: What ``sites`` are, for the reader.
        details: The end of a traceback, for an error.
    """

    name: str
    standing: Standing
    reasons: tuple[str, ...]
    curve: Curve | None = None
    verdict: Verdict | None = None
    ceiling: int | None = None
    earlier: PreviousRun | None = None
    sites: tuple[Site, ...] = ()
    heading: str = ""
    details: str = ""

    @property
    def reason(self) -> str:
        """The worst reason; if every promise is kept, all reasons."""
        return "; ".join(self.reasons) if self.standing == "kept" else self.reasons[0]


@dataclass(frozen=True)
class Promise:
    """What a budget promises about a curve.

    Attributes:
        claim: The growth of the curve, or None.
        per_client: Most bytes that one more client may cost, or None; for a claim along clients.
        ceiling: Most bytes at any size, or None.
        may_be_inconclusive: Whether an inconclusive claim counts as kept.
    """

    claim: O | None = None
    ceiling: int | None = None
    may_be_inconclusive: bool = False
    per_client: int | None = None


_ORDER: tuple[Standing, ...] = ("broken", "error", "inconclusive", "kept")


def worst(standings: Sequence[Standing]) -> Standing:
    """Return the worst standing; a broken promise is worse than one that cannot be measured."""
    return min(standings, key=_ORDER.index, default="kept")


def exit_code(standings: Sequence[Standing]) -> int:
    """Return the exit code of the worst: 0 kept, 1 broken, 2 error, 3 inconclusive."""
    standing = worst(standings)
    return 2 if standing == "error" else EXIT_CODES[standing]


def summarise(standings: Sequence[Standing]) -> str:
    """Return the number of each standing, such as ``5 kept, 1 broken``."""
    counts = {name: standings.count(name) for name in STANDINGS}
    words = {name: "errors" if name == "error" and n > 1 else name for name, n in counts.items()}
    return ", ".join(f"{n} {words[name]}" for name, n in counts.items() if n)


def judge(
    name: str,
    curve: Curve,
    promise: Promise,
    earlier: PreviousRun | None = None,
    more: Sequence[PromiseResult] = (),
) -> BudgetVerdict:
    """Judge a curve by a promise, and by the last good run if there is one.

    Args:
        name: Name of the budget, or of the test.
        curve: The measured curve.
        promise: The claim and the ceiling.
        earlier: The last good run, or None.
        more: Other results of the same budget, such as its run under a cap.
    """
    on_claim = None
    if promise.claim is not None and not curve.overall_error:
        on_claim = verdict(curve, promise.claim, per_client=promise.per_client)
    over = _over_ceiling(curve, promise.ceiling)
    larger = earlier.larger(curve) if earlier is not None else ""
    findings = [*_promise_results(curve, promise, on_claim, over)]
    if larger:
        findings.append(("broken", larger))
    standing, reasons = combine([*findings, *more])
    heading, sites = _causes(curve, on_claim, earlier if larger else None, over is not None)
    return BudgetVerdict(
        name,
        standing,
        reasons,
        curve,
        on_claim,
        promise.ceiling,
        earlier,
        sites,
        heading,
        curve.error_details,
    )


def wants(curve: Curve, promise: Promise) -> Wants:
    """Return what would tell more about a curve; empty if the promise is decided."""
    if promise.claim is not None and len(curve.points) > 1:
        decided = verdict(curve, promise.claim, per_client=promise.per_client)
        enough = promise.may_be_inconclusive and decided.finding == "inconclusive"
        if decided.wants and not enough:
            return decided.wants
    hidden = _hidden(curve, promise.ceiling)
    return "resident set" if hidden is not None and hidden.peak_rss_bytes is None else ""


def combine(findings: Sequence[PromiseResult]) -> tuple[Standing, tuple[str, ...]]:
    """Return the worst standing among findings, and all sentences, the worst first."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding[0]))
    return worst([standing for standing, _ in ordered]), tuple(reason for _, reason in ordered)


def failed(name: str, error: str, details: str = "") -> BudgetVerdict:
    """Return the verdict on a budget that could not be measured."""
    return BudgetVerdict(name, "error", (error,), details=details)


def explain(judged: BudgetVerdict) -> str:
    """Return all that is known about a budget, as several lines of plain text.

    They are the reasons, a table of the curve and the last good run, and the largest lines of code.
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


def _promise_results(
    curve: Curve, promise: Promise, on_claim: Verdict | None, over: PromiseResult | None
) -> Iterator[PromiseResult]:
    """Yield the results of the claim and the ceiling, or the error of a curve without figures."""
    if on_claim is not None:
        allowed = promise.may_be_inconclusive and on_claim.finding == "inconclusive"
        standing: Standing = "kept" if allowed else on_claim.finding
        yield standing, f"{on_claim.claim} {on_claim.finding}: {on_claim.reason}"
    if curve.overall_error:
        yield "error", curve.overall_error
    elif promise.ceiling is not None and over is None:
        within = f"peak {_peak(curve)} is within the budget of {show_bytes(promise.ceiling)}"
        hidden = _hidden(curve, promise.ceiling)
        # A run that traces the heap has memory of the tracer in its resident set.
        if hidden is not None and hidden.peak_rss_bytes is not None:
            yield "inconclusive", f"{within}, but {_beside(hidden)}"
        else:
            yield "kept", f"{within}{_of_which(curve)}"
    if over is not None:
        yield over


def _causes(
    curve: Curve, on_claim: Verdict | None, exceeded: PreviousRun | None, over: bool
) -> tuple[str, tuple[Site, ...]]:
    """Return a heading and the lines of code that cause a failure.

    Args:
        curve: The measured curve.
        on_claim: The verdict on the claim, or None.
        exceeded: The last good run, if the curve is larger; otherwise None.
        over: Whether a point is over the ceiling.
    """
    with_sites = [point for point in curve.points if point.sites]
    last = with_sites[-1].sites if with_sites else ()
    largest = tuple(site for site in last if site.bytes > _SMALL * last[0].bytes)
    if exceeded is not None and (sites := exceeded.gained(last)):
        return f"What holds more than in the {exceeded.name}", sites
    if on_claim is not None and on_claim.finding == "broken" and (sites := sites_that_grow(curve)):
        return f"What grows from {_span(curve)}", sites
    return ("What holds the most at the peak", largest) if over or exceeded else ("", ())


def sentence(reason: str) -> str:
    """Return the reason with a full stop, unless it ends with a mark already."""
    return reason if reason.endswith((".", "?", "!")) else f"{reason}."


def _over_ceiling(curve: Curve, ceiling: int | None) -> PromiseResult | None:
    sizes, peaks = curve.seen()
    over = [(peak, size) for size, peak in zip(sizes, peaks, strict=True) if peak > (ceiling or 0)]
    if ceiling is None or not over:
        return None
    peak, size = max(over)
    at = f" at {show_count(size)}" if len(curve.points) > 1 else ""
    budget = show_bytes(ceiling)
    return "broken", f"peak {show_bytes(peak)}{at} is over the budget of {budget}{_of_which(curve)}"


def _hidden(curve: Curve, ceiling: int | None) -> Point | None:
    """Return the point whose resident set is over the ceiling by what no heap shows, or None."""
    if ceiling is None or curve.witness != "heap":
        return None
    more = [(unseen(p, p.size if curve.axis == "clients" else 0), p) for p in curve.points]
    hidden = [p for bytes_, p in more if bytes_ and (p.peak("heap") or 0) + bytes_ > ceiling]
    return max(hidden, key=unseen, default=None)


def _beside(point: Point) -> str:
    return (
        f"the resident set rises by {show_bytes(unseen(point))} more than the heap "
        f"({NOT_OF_THE_HEAP}): judge it by the witness rss"
    )


def _of_which(curve: Curve) -> str:
    """Return what the highest point has outside of its own heap, in words; empty for nothing."""
    highest = max(curve.points, key=lambda point: point.peak(curve.witness) or 0)
    outside = str(highest.elsewhere)
    return f", of which {outside}" if outside else ""


def _peak(curve: Curve) -> str:
    return show_bytes(max(curve.seen()[1], default=0))


def _span(curve: Curve) -> str:
    sizes, _ = curve.seen()
    return f"{show_count(sizes[0])} to {show_count(sizes[-1])}"


def _table(curve: Curve, earlier: PreviousRun | None) -> list[str]:
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
