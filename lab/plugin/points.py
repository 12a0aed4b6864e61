"""From a marked test to its workloads, one for each size, and from what they needed to a curve."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.measure.curve import Curve, Point, Reading
from lab.measure.environment import environment
from lab.measure.workload import Workload, warm_size
from lab.plugin.marks import Wanted
from lab.plugin.reports import Run
from lab.plugin.start import coverage_of, same_test, start, the_run

_SMALL = 0.01
"""Of what the first line of code holds: less is what the witness itself needs to call a body."""

_PYTEST = {"_pytest", "pluggy"}


def workload(
    item: pytest.Function, want: Wanted, size: int | None, number: int, folder: Path
) -> Workload:
    """Describe a test at a size, the ``number``-th of its own; its files go into a folder."""
    common = {
        "pytest_run": the_run(item.config, number, str(folder / f"{number}.tmp")),
        "test": same_test(item),
        "coverage": coverage_of(item),
        "over": want.growth.over if want.growth else None,
    }
    warm: dict[str, Any] | None = None
    if want.warm_up:
        smaller = None if size is None else warm_size(size)
        warm = {**common, "size": smaller, "reports": None}
    return Workload(
        name=item.nodeid,
        opener="lab.plugin.child:drive",
        arguments={**common, "size": size, "reports": str(folder / f"{number}.json")},
        warm_up=warm,
        start=start(item),
        drives=True,
        folder=_project(item),
    )


def _project(item: pytest.Function) -> str:
    """Return the folder that holds the reader's own code, wherever the run was started."""
    root = item.config.rootpath
    below = item.path.is_relative_to(root)
    return str(root if below else item.config.invocation_params.dir)


def curve(item: pytest.Function, want: Wanted, runs: Sequence[Run]) -> Curve:
    """Join what the processes of a test needed; a test without sizes has one point, of size 1."""
    points = tuple(Point.of(one.size or 1, {"heap": _of_the_body(one.reading)}) for one in runs)
    axis = want.growth.axis if want.growth else "n"
    return Curve(item.nodeid, axis, points, environment=environment())


def _of_the_body(reading: Reading) -> Reading:
    """Leave out pytest's own lines, and those that are too small to be anybody's concern."""
    theirs = [site for site in reading.sites if not _PYTEST.intersection(Path(site.file).parts)]
    least = _SMALL * max((site.bytes for site in theirs), default=0)
    return replace(reading, sites=tuple(site for site in theirs if site.bytes > least))
