"""Curves and the table as JSON, in a form that stays."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.measure.cap import Survival
from lab.measure.curve import Curve
from lab.measure.environment import environment
from lab.measure.verdict import Verdict

if TYPE_CHECKING:
    from lab.table import Measured, Row, Table


def curve_json(curve: Curve, verdict: Verdict | None = None) -> dict[str, Any]:
    """Return a curve, and what was found of a claim about it, as a JSON object.

    Sizes are items, peaks bytes, times seconds; a witness that did not look is null.
    """
    growth = verdict.growth if verdict is not None else None
    return {
        "target": curve.target,
        "axis": curve.axis,
        "claim": str(verdict.claim) if verdict is not None else None,
        "verdict": verdict.finding if verdict is not None else None,
        "reason": verdict.reason if verdict is not None else None,
        "bytes_per_item": growth.per_item if growth else None,
        "ci95": _finite(growth.line.ci95) if growth else None,
        "exponent": growth.exponent if growth else None,
        "witness": curve.witness,
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
            }
            for point in curve.points
        ],
        "environment": dict(curve.environment),
    }


def fate_json(one: Survival) -> dict[str, Any]:
    """Return what became of a run; what it answered is not among that."""
    return {name: value for name, value in asdict(one).items() if name != "digest"}


def survival_json(
    target: str, axis: str, cap: int, lived: Mapping[int, Survival]
) -> dict[str, Any]:
    """Return what became of a target under a cap of so many bytes, at each size."""
    return {
        "target": target,
        "axis": axis,
        "cap_bytes": cap,
        "runs": [{"size": size, **fate_json(one)} for size, one in lived.items()],
        "environment": dict(environment()),
    }


def table_json(table: "Table") -> dict[str, Any]:
    """Return the table as a JSON object; its rows hold their curves."""
    return {
        "quick": table.quick,
        "environment": dict(table.environment),
        "timings": {
            "data": table.timings.data,
            "curves": table.timings.curves,
            "scenarios": table.timings.scenarios,
            "overheads": table.timings.overheads,
        },
        "rows": [_row_json(row) for row in table.rows],
    }


def write_json(path: Path, document: Any) -> None:
    """Write a document, or print it where the path is ``-``.

    Raises:
        LabError: The file cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False, default=str)
    if str(path) == "-":
        print(text)
    else:
        write_text(path, text + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file and the folders above it.

    Raises:
        LabError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}.") from None


def _row_json(row: "Row") -> dict[str, Any]:
    scenario = row.scenario
    return {
        "name": scenario.name,
        "scenario": scenario.title,
        "approach": scenario.approach,
        "says": scenario.says,
        "pattern": scenario.pattern,
        "advised": scenario.advised,
        "claim": str(scenario.claim),
        "naive": _measured_json(row.naive),
        "streaming": _measured_json(row.streaming),
        "growth": row.growth_found,
        "verdict": row.verdict.finding,
        "reason": row.verdict.reason,
        "printed": (
            {
                "variant": row.printed.name,
                "wrong": row.as_printed,
                "why": row.printed.why,
                "verdict": row.printed_verdict.finding if row.printed_verdict is not None else None,
                "reason": row.printed_verdict.reason if row.printed_verdict is not None else None,
            }
            if row.printed
            else None
        ),
        "curves": [curve_json(curve) for curve in row.curves.values()],
    }


def _finite(interval: tuple[float, float]) -> list[float | None]:
    """Write an unbounded end, which JSON has no number for, as null."""
    return [end if isfinite(end) else None for end in interval]


def _measured_json(measured: "Measured") -> dict[str, Any]:
    return {
        "variant": measured.variant,
        "peak_heap_bytes": measured.heap,
        "peak_rss_bytes": measured.rss,
        "extrapolated": measured.extrapolated,
        "digest": measured.digest,
        "error": measured.error,
        "series": [list(pair) for pair in measured.series],
    }
