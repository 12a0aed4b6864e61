"""The table as JSON, with stable keys."""

from typing import Any

from lab.report.json import curve_json
from lab.table.results import Row, TableResult, VariantFigures


def table_json(table: TableResult) -> dict[str, Any]:
    """Return the table as a JSON object; each row contains its curves."""
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


def _row_json(row: Row) -> dict[str, Any]:
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
                "why": row.printed.because,
                "verdict": row.printed_verdict.finding if row.printed_verdict is not None else None,
                "reason": row.printed_verdict.reason if row.printed_verdict is not None else None,
            }
            if row.printed
            else None
        ),
        "curves": [curve_json(curve) for curve in row.curves.values()],
    }


def _measured_json(measured: VariantFigures) -> dict[str, Any]:
    return {
        "variant": measured.variant,
        "peak_heap_bytes": measured.heap,
        "peak_rss_bytes": measured.rss,
        "extrapolated": measured.extrapolated,
        "digest": measured.digest,
        "error": measured.error,
        "series": [list(pair) for pair in measured.series],
    }
