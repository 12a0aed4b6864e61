"""The workloads of a marked test, one for each size, and the curve of their readings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.curves.curve import Curve, Point, Reading
from lab.measure.environment import environment
from lab.measure.workload import Workload, warm_size
from lab.plugin.child_start import coverage_options, item_key, process_start, run_settings
from lab.plugin.markers import Markers
from lab.plugin.pytest_internals import is_internal
from lab.plugin.reports import Run

_SMALL = 0.01
"""Of the largest line's bytes: a smaller line is the measurement's own call of the body."""


def workload(
    item: pytest.Function, markers: Markers, size: int | None, number: int, folder: Path
) -> Workload:
    """Return the workload that runs a test at one size.

    Args:
        item: The test.
        markers: Its markers.
        size: The size; None without ``memory_growth``.
        number: The number of the size among those of the test, from 0.
        folder: For the reports ``NUMBER.json`` and the temporary files ``NUMBER.tmp``.
    """
    common = {
        "pytest_run": run_settings(item.config, number, str(folder / f"{number}.tmp")),
        "test": item_key(item),
        "coverage": coverage_options(item),
        "over": markers.growth.over if markers.growth else None,
    }
    warm: dict[str, Any] | None = None
    if markers.warm_up:
        smaller = None if size is None else warm_size(size)
        warm = {**common, "size": smaller, "reports": None}
    return Workload(
        name=item.nodeid,
        opener="lab.plugin.child:run_test",
        arguments={**common, "size": size, "reports": str(folder / f"{number}.json")},
        warm_up=warm,
        start=process_start(item),
        runs_itself=True,
        folder=_project(item),
    )


def _project(item: pytest.Function) -> str:
    """Return the root folder of the user's code, from whatever folder the run was started."""
    root = item.config.rootpath
    inside = item.path.is_relative_to(root)
    return str(root if inside else item.config.invocation_params.dir)


def curve(item: pytest.Function, markers: Markers, runs: Sequence[Run]) -> Curve:
    """Return the curve of a test's runs; a test without sizes has one point, of size 1."""
    points = tuple(Point.of(run.size or 1, {"heap": _without_pytest(run.reading)}) for run in runs)
    axis = markers.growth.axis if markers.growth else "n"
    return Curve(item.nodeid, axis, points, environment=environment())


def _without_pytest(reading: Reading) -> Reading:
    """Return the reading without pytest's own lines and without small ones."""
    sites = [site for site in reading.sites if not is_internal(site.file)]
    least = _SMALL * max((site.bytes for site in sites), default=0)
    return replace(reading, sites=tuple(site for site in sites if site.bytes > least))
