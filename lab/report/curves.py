"""Curves with their verdicts: printed, and written where that was asked for."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from lab.measure.curve import Curve
from lab.measure.verdict import EXIT_CODES, Verdict, verdict
from lab.pattern import O, Role
from lab.report.json import curve_json, write_json, write_text
from lab.report.terminal import print_curve, print_verdict


def report_curves(
    to: Console,
    title: str,
    curves: Mapping[str, Curve],
    claims: Mapping[str, O],
    roles: Mapping[str, Role],
    plot: Path | None,
    json_file: Path | None,
) -> int:
    """Print each curve with its verdict, write what was asked for; return the exit code.

    Of several verdicts a broken one counts, then an inconclusive one.
    """
    verdicts: dict[str, Verdict] = {}
    for name, curve in curves.items():
        verdicts[name] = verdict(curve, claims[name])
        print_curve(to, curve)
        print_verdict(to, verdicts[name])
    if plot is not None:
        from lab.report.plot import curves_svg

        write_text(plot, curves_svg(title, [(curve, roles[n]) for n, curve in curves.items()]))
    if json_file is not None:
        documents = [curve_json(curve, verdicts[name]) for name, curve in curves.items()]
        write_json(json_file, documents[0] if len(documents) == 1 else documents)
    found = {v.finding for v in verdicts.values()}
    return next((EXIT_CODES[f] for f in ("broken", "inconclusive") if f in found), 0)
