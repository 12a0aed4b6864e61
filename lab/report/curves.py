"""Curves with verdicts, and runs under a cap: printed, and written to files on request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from lab.curves.curve import Curve
from lab.curves.verdict import EXIT_CODES, Verdict
from lab.measure.memory_cap import Survival
from lab.pattern import Role
from lab.report.files import write_json, write_text
from lab.report.json import curve_json, survival_json
from lab.report.terminal import (
    print_curve,
    print_growth,
    print_sites,
    print_survival,
    print_verdict,
)


@dataclass(frozen=True)
class Result:
    """A curve and its verdict.

    Attributes:
        curve: The measured points.
        verdict: Verdict on the claim; without a claim, on the claim that would be kept.
        role: Decides the colour and the line of the curve in a picture.
        claimed: Whether a claim was made.
    """

    curve: Curve
    verdict: Verdict
    role: Role
    claimed: bool = True


def report_curves(
    to: Console, title: str, results: Sequence[Result], plot: Path | None, json_file: Path | None
) -> int:
    """Write the requested files, print each curve with its verdict; return the exit code.

    A broken verdict decides the exit code first, then an inconclusive one. A curve without a
    claim does not change the exit code.

    Args:
        to: Where to print.
        title: Title of the picture.
        results: The curves, with their verdicts.
        plot: Path of the SVG, or None.
        json_file: Path of the JSON document, or None; one object for one curve, else a list.
    """
    if plot is not None:
        from lab.report.plot import curves_svg

        write_text(plot, curves_svg(title, [(r.curve, r.role) for r in results]))
    if json_file is not None:
        documents = [curve_json(r.curve, r.verdict, claimed=r.claimed) for r in results]
        write_json(json_file, documents[0] if len(documents) == 1 else documents)
    for result in results:
        print_curve(to, result.curve)
        if not result.claimed:
            print_growth(to, result.verdict)
            continue
        print_verdict(to, result.verdict)
        if result.verdict.finding == "broken":
            print_sites(to, result.curve)
    findings = {result.verdict.finding for result in results if result.claimed}
    return next((EXIT_CODES[f] for f in ("broken", "inconclusive") if f in findings), 0)


def report_survival(
    to: Console,
    target: str,
    axis: str,
    cap: int,
    runs: Mapping[int, Survival],
    json_file: Path | None,
) -> int:
    """Write, on request, and print the outcome of each size under a cap; return the exit code.

    Args:
        to: Where to print.
        target: What ran.
        axis: What the sizes count.
        cap: Bytes above the warm process.
        runs: The outcome of each size.
        json_file: Path of the JSON document, or None.
    """
    if json_file is not None:
        write_json(json_file, survival_json(target, axis, cap, runs))
    print_survival(to, target, axis, cap, runs)
    return 0 if all(runs.values()) else 1
