"""Tables and sentences for the terminal, 100 columns wide, and plain text for a pipe."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid
from rich.text import Text

from lab.curves.curve import Curve, Witness, sites_that_grow
from lab.curves.decide import Finding as VerdictFinding
from lab.curves.verdict import Verdict
from lab.pattern import Pattern, Variant
from lab.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from lab.doctor import Diagnosis
    from lab.measure.memory_cap import Survival

WIDTH = 100
_SILENCE = 5.0
"""Seconds between two lines of progress where there is no bar."""
SITES = 3
"""Lines of code that are shown for a curve that grows."""
COLOURS: dict[VerdictFinding, str] = {"kept": "green", "broken": "red", "inconclusive": "yellow"}


def console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; in a pipe 100 columns wide, without colour."""
    plain = Console(stderr=stderr, highlight=False, markup=False)
    if not plain.is_terminal:
        plain.width = WIDTH
    return plain


@contextmanager
def progress(to: Console) -> Iterator["Steps"]:
    """Show a progress bar during the block; in a pipe, a line every few seconds."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=to, transient=True, disable=not to.is_terminal) as bar:
        yield Steps(to, bar)


class Steps:
    """Counts finished steps, on a bar or in lines of text."""

    def __init__(self, to: Console, bar: Progress) -> None:
        self._console = to
        self._bar = bar
        self._what = ""
        self._total = 0
        self._done = 0
        self._printed_at = time.monotonic()
        self._lock = threading.Lock()
        self._task = bar.add_task("", total=None, visible=False)

    def begin(self, what: str, total: int) -> None:
        """Start counting the steps of a new phase; a total of 0 means unknown."""
        self._what, self._total, self._done = what, total, 0
        self._bar.reset(self._task, description=what, total=total or None, visible=True)

    def advance(self, *_: object) -> None:
        """Count one more step; safe to call from any thread."""
        with self._lock:
            self.reach(self._done + 1)

    def reach(self, done: int) -> None:
        """Set the number of finished steps."""
        self._done = done
        self._bar.update(self._task, completed=done)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._printed_at > _SILENCE:
            self._printed_at = now
            self._console.print(f"{self._what}: {show_count(done)} of {show_count(self._total)}")


def print_curve(to: Console, curve: Curve) -> None:
    """Print the points of a curve as a table."""
    grid = Grid(pad_edge=False, title=curve.target, title_justify="left")
    columns = [curve.axis, "heap", "elsewhere", "RSS", "seconds", *_counted(curve)]
    outside = any(point.elsewhere.outside("heap") for point in curve.points)
    heap, rss, seconds = (any(p.own(w) is not None for p in curve.points) for w in _WITNESSES)
    shown = [True, heap, outside, rss, seconds]
    kept = [name for name, show in zip(columns, shown, strict=False) if show] + columns[5:]
    for name in kept:
        grid.add_column(name, justify="right")
    for point in curve.points:
        values = [
            show_count(point.size),
            or_dash(point.peak_heap_bytes),
            show_bytes(point.elsewhere.outside("heap")),
            or_dash(point.peak_rss_bytes),
            "-" if point.seconds is None else show_seconds(point.seconds),
        ]
        cells = [cell for cell, show in zip(values, shown, strict=True) if show]
        counts = [
            show_count(point.counts[name]) if name in point.counts else "-"
            for name in _counted(curve)
        ]
        grid.add_row(*cells, *counts, *([point.error] if point.error else []))
    to.print(grid)


def print_verdict(to: Console, verdict: Verdict) -> None:
    """Print a verdict as one sentence."""
    finding = Text(f"{verdict.claim} {verdict.finding}", style=COLOURS[verdict.finding])
    to.print(Text.assemble(finding, f": {verdict.reason}."), soft_wrap=not to.is_terminal)


def print_growth(to: Console, verdict: Verdict) -> None:
    """Print the growth of a curve without a claim, and the claim that would be kept."""
    kept = f"; {verdict.claim} would be kept" if verdict else ""
    sentence = f"{verdict.reason}{kept}."
    to.print(sentence[:1].upper() + sentence[1:], soft_wrap=not to.is_terminal)


def print_sites(to: Console, curve: Curve) -> None:
    """Print the lines of code whose memory grew most over a curve, if any grew."""
    grown = sites_that_grow(curve)[:SITES]
    if grown:
        to.print(f"What grows from {_span(curve)}:")
    for site in grown:
        to.print(f"  {'+' + show_bytes(site.bytes):>10}  {site}", soft_wrap=True)


def print_survival(
    to: Console, target: str, axis: str, cap: int, runs: "Mapping[int, Survival]"
) -> None:
    """Print the outcome of each size under a cap, as a table; then the reasons."""
    title = f"{target} with {show_bytes(cap)} over the warm process"
    grid = Grid(pad_edge=False, title=title, title_justify="left")
    for name in (axis, "outcome", "items", "seconds"):
        grid.add_column(name, justify="left" if name == "outcome" else "right")
    for size, survival in runs.items():
        outcome = Text(survival.outcome, style="green" if survival else "red")
        items, seconds = show_count(survival.items), show_seconds(survival.seconds)
        grid.add_row(show_count(size), outcome, items, seconds)
    to.print(grid)
    for size, survival in runs.items():
        if survival.reason:
            to.print(f"{show_count(size)}: {survival.reason}", soft_wrap=True)


def print_patterns(to: Console, patterns: Sequence[Pattern]) -> None:
    """Print each pattern with its question, and its variants with role, claim and label."""
    for pattern in patterns:
        to.print(Text.assemble((pattern.name, "bold"), f"  {pattern.question}"))
        for variant in pattern.variants:
            claim = str(variant.peak)
            to.print(
                f"  {variant.name:<22} {variant.role:<10} {claim:<16} {variant.label}",
                soft_wrap=True,
            )


def print_source(to: Console, pattern: Pattern, variants: Iterable[Variant]) -> None:
    """Print a pattern's docstring, and each variant with its claim, code and files to copy."""
    from rich.syntax import Syntax

    from lab.report.variant_source import recipe

    to.print(pattern.module.__doc__.strip(), style="bold", soft_wrap=not to.is_terminal)
    for variant in variants:
        needed = recipe(variant.run)
        to.print(
            f"\n{variant.name}: {variant.role}, peak memory {_claim(variant)}. {variant.because}\n"
        )
        if to.is_terminal:
            to.print(Syntax(needed.code, "python", background_color="default"))
        else:
            to.print(needed.code, soft_wrap=True, markup=False)
        if needed.files:
            to.print(f"\nIt needs {', '.join(needed.files)}.", soft_wrap=True)


def print_findings(to: Console, findings: "Iterable[Diagnosis]") -> None:
    """Print one line for each diagnosis."""
    for finding in findings:
        mark = Text("ok   ", style="green") if finding.good else Text("FIX  ", style="red")
        to.print(Text.assemble(mark, f"{finding.what}: {finding.found}"), soft_wrap=True)


_WITNESSES: tuple[Witness, ...] = ("heap", "rss", "seconds")


def _claim(variant: Variant) -> str:
    if variant.client_bytes:
        return f"{variant.peak}, up to {show_bytes(variant.client_bytes)} per client"
    return str(variant.peak)


def _span(curve: Curve) -> str:
    sizes, _ = curve.seen()
    return f"{show_count(sizes[0])} to {show_count(sizes[-1])}"


def _counted(curve: Curve) -> list[str]:
    return list(dict.fromkeys(name for point in curve.points for name in point.counts))


def or_dash(amount: int | None) -> str:
    """Write an amount of bytes, or a dash for None."""
    return "-" if amount is None else show_bytes(amount)
