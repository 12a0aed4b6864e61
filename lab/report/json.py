"""Curves and runs under a cap as JSON, with stable keys."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from lab.curves.curve import Curve
from lab.curves.verdict import Verdict
from lab.measure.environment import environment
from lab.measure.memory_cap import Survival


def curve_json(
    curve: Curve, verdict: Verdict | None = None, *, claimed: bool = True
) -> dict[str, Any]:
    """Return a curve and its verdict as a JSON object.

    Sizes are items, peaks bytes, times seconds; the value of an unused witness is null. Without a
    claim, ``claim`` and ``verdict`` are null, and the growth is that of the curve.
    """
    growth = verdict.growth if verdict is not None else None
    return {
        "target": curve.target,
        "axis": curve.axis,
        "claim": str(verdict.claim) if verdict is not None and claimed else None,
        "verdict": verdict.finding if verdict is not None and claimed else None,
        "reason": verdict.reason if verdict is not None else None,
        "bytes_per_item": growth.per_item if growth else None,
        "ci95": _finite(growth.line.ci95) if growth else None,
        "exponent": growth.exponent if growth else None,
        "witness": curve.witness,
        "warm_up": curve.warm,
        "asked_sizes": curve.asked,
        "points": [
            {
                "size": point.size,
                "peak_heap_bytes": point.peak_heap_bytes,
                "peak_rss_bytes": point.peak_rss_bytes,
                "seconds": point.seconds,
                "digest": point.digest,
                "error": point.error,
                "counts": dict(point.counts),
                "series": [list(pair) for pair in point.series],
                "sites": [asdict(site) for site in point.sites],
                "answer": point.answer,
                "elsewhere": asdict(point.elsewhere),
                "repeats": point.repeats,
            }
            for point in curve.points
        ],
        "environment": dict(curve.environment),
    }


def fate_json(survival: Survival) -> dict[str, Any]:
    """Return the outcome of a run under a cap as a JSON object, without the digest."""
    return {name: value for name, value in asdict(survival).items() if name != "digest"}


def survival_json(target: str, axis: str, cap: int, runs: Mapping[int, Survival]) -> dict[str, Any]:
    """Return the outcome of a target at each size, under a cap in bytes, as a JSON object."""
    return {
        "target": target,
        "axis": axis,
        "cap_bytes": cap,
        "runs": [{"size": size, **fate_json(survival)} for size, survival in runs.items()],
        "environment": dict(environment()),
    }


def _finite(interval: tuple[float, float]) -> list[float | None]:
    """Replace an infinite end of an interval by None, as JSON has no infinity."""
    return [end if isfinite(end) else None for end in interval]
