"""Curves with their verdicts, and what survived: printed, and written where that was asked for."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from lab.measure.cap import Survival
from lab.measure.curve import Curve
from lab.measure.verdict import EXIT_CODES, Verdict, verdict
from lab.pattern import O, Role
from lab.report.json import curve_json, survival_json, write_json, write_text
from lab.report.terminal import print_curve, print_sites, print_survival, print_verdict


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
        if verdicts[name].finding == "broken":
            print_sites(to, curve)
    if plot is not None:
        from lab.report.plot import curves_svg

        write_text(plot, curves_svg(title, [(curve, roles[n]) for n, curve in curves.items()]))
    if json_file is not None:
        documents = [curve_json(curve, verdicts[name]) for name, curve in curves.items()]
        write_json(json_file, documents[0] if len(documents) == 1 else documents)
    found = {v.finding for v in verdicts.values()}
    return next((EXIT_CODES[f] for f in ("broken", "inconclusive") if f in found), 0)


def report_survival(
    to: Console,
    target: str,
    axis: str,
    cap: int,
    lived: Mapping[int, Survival],
    json_file: Path | None,
) -> int:
    """Print what became of each size under a cap, write it if asked; return the exit code."""
    print_survival(to, target, axis, cap, lived)
    if json_file is not None:
        write_json(json_file, survival_json(target, axis, cap, lived))
    return 0 if all(lived.values()) else 1
