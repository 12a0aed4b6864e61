"""Tables and sentences in the terminal, readable at 100 columns, and as plain text in a pipe."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid
from rich.text import Text

from lab.measure.curve import Curve, Witness, sites_that_grow
from lab.measure.verdict import Finding as VerdictFinding
from lab.measure.verdict import Verdict
from lab.pattern import Pattern, Variant
from lab.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from lab.doctor import Finding
    from lab.measure.cap import Survival

WIDTH = 100
_SILENCE = 5.0
"""Seconds after which a line says how far things are, where there is no bar."""
SITES = 3
"""Lines of code that are shown where memory grew."""
COLOURS: dict[VerdictFinding, str] = {"kept": "green", "broken": "red", "inconclusive": "yellow"}


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command, which knows the exit code."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console: as wide as the terminal, 100 columns in a pipe, no colour there."""
    plain = _Screen(stderr=stderr, highlight=False, markup=False)
    if not plain.is_terminal:
        plain.width = WIDTH
    return plain


@contextmanager
def progress(to: Console) -> Iterator["Steps"]:
    """Show a bar while something is done; in a pipe, a line now and then."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=to, transient=True, disable=not to.is_terminal) as bar:
        yield Steps(to, bar)


class Steps:
    """Counts what is done, on a bar or in lines of text."""

    def __init__(self, to: Console, bar: Progress) -> None:
        self._console = to
        self._bar = bar
        self._what = ""
        self._total = 0
        self._done = 0
        self._said = time.monotonic()
        self._lock = threading.Lock()
        self._task = bar.add_task("", total=None, visible=False)

    def begin(self, what: str, total: int) -> None:
        """Start counting something new; a total of 0 is one that is not known."""
        self._what, self._total, self._done = what, total, 0
        self._bar.reset(self._task, description=what, total=total or None, visible=True)

    def advance(self, *_: object) -> None:
        """Count one more; may be called from any thread."""
        with self._lock:
            self.reach(self._done + 1)

    def reach(self, done: int) -> None:
        """Say how many are done."""
        self._done = done
        self._bar.update(self._task, completed=done)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said > _SILENCE:
            self._said = now
            self._console.print(f"{self._what}: {show_count(done)} of {show_count(self._total)}")


def print_curve(to: Console, curve: Curve) -> None:
    """Print the points of a curve."""
    grid = Grid(pad_edge=False, title=curve.target, title_justify="left")
    columns = [curve.axis, "heap", "RSS", "seconds", *_counted(curve)]
    shown = [True, *(any(p.peak(w) is not None for p in curve.points) for w in _WITNESSES)]
    kept = [name for name, show in zip(columns, shown, strict=False) if show] + columns[4:]
    for name in kept:
        grid.add_column(name, justify="right")
    for point in curve.points:
        seen = [
            show_count(point.size),
            _or_dash(point.peak_heap_bytes),
            _or_dash(point.peak_rss_bytes),
            "-" if point.seconds is None else show_seconds(point.seconds),
        ]
        cells = [cell for cell, show in zip(seen, shown, strict=True) if show]
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


def print_sites(to: Console, curve: Curve) -> None:
    """Print the lines whose memory grew the most over a curve; nothing where none did."""
    grown = sites_that_grow(curve)[:SITES]
    if grown:
        to.print(f"What grows from {_span(curve)}:")
    for site in grown:
        to.print(f"  {'+' + show_bytes(site.bytes):>10}  {site}", soft_wrap=True)


def print_survival(
    to: Console, target: str, axis: str, cap: int, lived: "Mapping[int, Survival]"
) -> None:
    """Print what became of each size under a cap."""
    title = f"{target} with {show_bytes(cap)} over the warm process"
    grid = Grid(pad_edge=False, title=title, title_justify="left")
    for name in (axis, "outcome", "items", "seconds"):
        grid.add_column(name, justify="left" if name == "outcome" else "right")
    for size, one in lived.items():
        colour = "green" if one else "red"
        what = Text(one.outcome, style=colour)
        grid.add_row(show_count(size), what, show_count(one.items), show_seconds(one.seconds))
    to.print(grid)
    for size, one in lived.items():
        if one.reason:
            to.print(f"{show_count(size)}: {one.reason}", soft_wrap=True)


def print_patterns(to: Console, patterns: Sequence[Pattern]) -> None:
    """List every pattern with its question, and its variants with role, claim and label."""
    for pattern in patterns:
        to.print(Text.assemble((pattern.name, "bold"), f"  {pattern.question}"))
        for variant in pattern.variants:
            claim = str(variant.peak)
            to.print(
                f"  {variant.name:<22} {variant.role:<10} {claim:<16} {variant.label}",
                soft_wrap=True,
            )


def print_source(to: Console, pattern: Pattern, variants: Iterable[Variant]) -> None:
    """Show what a file teaches, and the code of variants with their claims."""
    from rich.syntax import Syntax

    to.print(pattern.module.__doc__.strip(), style="bold", soft_wrap=not to.is_terminal)
    for variant in variants:
        to.print()
        to.print(f"{variant.name}: {variant.role}, peak memory {_promised(variant)}. {variant.why}")
        if to.is_terminal:
            to.print(Syntax(variant.source.rstrip(), "python", background_color="default"))
        else:
            to.print(variant.source.rstrip(), soft_wrap=True)


def print_findings(to: Console, findings: "Iterable[Finding]") -> None:
    """Print what was looked at, a line each."""
    for finding in findings:
        mark = Text("ok   ", style="green") if finding.good else Text("MEND ", style="red")
        to.print(Text.assemble(mark, f"{finding.what}: {finding.found}"), soft_wrap=True)


_WITNESSES: tuple[Witness, ...] = ("heap", "rss", "seconds")


def _promised(variant: Variant) -> str:
    most = variant.peak.per_client
    return f"{variant.peak}, up to {show_bytes(most)} per client" if most else str(variant.peak)


def _span(curve: Curve) -> str:
    sizes, _ = curve.seen()
    return f"{show_count(sizes[0])} to {show_count(sizes[-1])}"


def _counted(curve: Curve) -> list[str]:
    return list(dict.fromkeys(name for point in curve.points for name in point.counts))


def _or_dash(amount: int | None) -> str:
    return "-" if amount is None else show_bytes(amount)
