"""`lab list`, `lab show` and `lab curve`: list, show and measure the patterns."""

from typing import Annotated

import typer

from lab.commands.shared_options import (
    Dask,
    Jobs,
    JsonFile,
    PlotFile,
    Sizes,
    Timeout,
    end,
    executor_on,
    print_left_out,
    schedule_for,
)
from lab.errors import LabError


def list_() -> None:
    """List the patterns and their variants."""
    from lab.patterns import PATTERNS
    from lab.report.terminal import console, print_patterns

    print_patterns(console(), PATTERNS)


def show(
    pattern: Annotated[str, typer.Argument(help="A name from `lab list`.")],
    variant: Annotated[str | None, typer.Argument(help="Only this variant.")] = None,
) -> None:
    """Show a pattern's claims and source."""
    from lab.patterns import pattern as pattern_named
    from lab.report.terminal import console, print_source
    from lab.variants import split_by_extra

    chosen = pattern_named(pattern)
    shown = [chosen[variant]] if variant else chosen.variants
    screen = console()
    print_source(screen, chosen, shown)
    _, left_out = split_by_extra(chosen, shown)
    for sentence in left_out:
        screen.print(f"\n{sentence}", soft_wrap=True)


def curve(
    pattern: Annotated[str, typer.Argument(help="A name from `lab list`.")],
    variants: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    axis: Annotated[str | None, typer.Option(help="Default: the pattern's first axis.")] = None,
    sizes: Sizes = None,
    plot: PlotFile = None,
    json_file: JsonFile = None,
    jobs: Jobs = None,
    dask: Dask = None,
    timeout: Timeout = 600.0,
) -> None:
    """Measure a pattern along one axis.

    Reports heap, RSS and time of each variant, and a verdict on its claim. Exit code: 0 if all
    claims are kept, 1 if one is broken, 3 if one is inconclusive.
    """
    from lab.curves.verdict import verdict
    from lab.patterns import pattern as pattern_named
    from lab.report.curves import Result, report_curves
    from lab.report.terminal import console, progress
    from lab.units import parse_sizes
    from lab.variants import split_by_extra, sweep_variants

    measured = pattern_named(pattern)
    axis = axis or next(iter(measured.axes))
    screen = console(stderr=str(json_file) == "-")
    if variants:
        chosen = [measured[name] for name in variants]
    else:
        chosen, left_out = split_by_extra(measured, measured.along(axis))
        if not chosen:
            raise LabError("; ".join(left_out))
        print_left_out(screen, left_out)
    with executor_on(dask) as executor, progress(screen) as steps:
        curves = sweep_variants(
            measured,
            chosen,
            axis,
            sizes=parse_sizes(sizes) if sizes else None,
            witnesses=("heap", "rss", "seconds"),
            schedule=schedule_for(jobs, timeout, steps, executor=executor),
            announce=steps.begin,
        )
    results = []
    for variant in chosen:
        on_claim = verdict(curves[variant.name], variant.peak, per_client=variant.client_bytes)
        results.append(Result(curves[variant.name], on_claim, variant.role))
    end(report_curves(screen, measured.name, results, plot, json_file))
