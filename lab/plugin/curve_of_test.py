"""The runs of a marked test in measuring processes, as a sweep."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.curves.curve import Curve, Point, Reading
from lab.measure.sweep import Sweep
from lab.measure.workload import Workload, warm_size
from lab.plugin.child_start import coverage_options, item_key, process_start, run_settings
from lab.plugin.markers import Markers
from lab.plugin.pytest_internals import is_internal
from lab.plugin.reports import Run, read_run

_SMALL = 0.01
"""Of the largest line's bytes: a smaller line is the measurement's own call of the body."""


class TestRuns:
    """The runs of one marked test: their workloads, and the files with their reports.

    Args:
        item: The test.
        markers: Its markers.
        folder: For the reports ``NUMBER.json`` and the temporary files ``NUMBER.tmp``.
    """

    __test__ = False

    def __init__(self, item: pytest.Function, markers: Markers, folder: Path) -> None:
        self._item = item
        self._markers = markers
        self._folder = folder
        self._sizes: list[int | None] = []
        self._read = 0

    def sweep(self) -> Sweep:
        """Return the sweep of the test; one without ``memory_growth`` has the size 1."""
        growth = self._markers.growth
        return Sweep(
            self._item.nodeid,
            growth.axis if growth else "n",
            growth.sizes if growth else (1,),
            self._workload,
            timeout=self._markers.timeout,
            warm=self._markers.warm_up,
            extends=True,
        )

    def read_next(self, reading: Reading) -> Run:
        """Return the next run, in the order in which their workloads were made."""
        number, self._read = self._read, self._read + 1
        file = self._folder / f"{number}.json"
        return read_run(self._item, self._sizes[number], reading, file)

    def _workload(self, sweep_size: int) -> Workload:
        item, growth, number = self._item, self._markers.growth, len(self._sizes)
        size = sweep_size if growth else None
        self._sizes.append(size)
        common = {
            "pytest_run": run_settings(item.config, number, str(self._folder / f"{number}.tmp")),
            "test": item_key(item),
            "coverage": coverage_options(item),
            "over": growth.over if growth else None,
        }
        smaller = None if size is None else warm_size(size)
        return Workload(
            name=item.nodeid,
            opener="lab.plugin.child:run_test",
            arguments={**common, "size": size, "reports": str(self._folder / f"{number}.json")},
            warm_up={**common, "size": smaller, "reports": None},
            start=process_start(item),
            runs_itself=True,
            folder=_project(item),
        )


def _project(item: pytest.Function) -> str:
    """Return the root folder of the user's code, from whatever folder the run was started."""
    root = item.config.rootpath
    inside = item.path.is_relative_to(root)
    return str(root if inside else item.config.invocation_params.dir)


def without_pytest(curve: Curve) -> Curve:
    """Return the curve without pytest's own lines and without small ones."""
    return replace(curve, points=tuple(map(_without_pytest, curve.points)))


def _without_pytest(point: Point) -> Point:
    sites = [site for site in point.sites if not is_internal(site.file)]
    least = _SMALL * max((site.bytes for site in sites), default=0)
    return replace(point, sites=tuple(site for site in sites if site.bytes > least))
