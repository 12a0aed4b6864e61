"""The measuring process's side: run one test in a pytest of its own, and look at its body alone.

Fixtures are set up before the witness looks, and torn down after it. The private functions of
pytest that are used are those that pytest-xdist uses for the same purpose.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import _prepareconfig

from lab.measure.workload import LASTING
from lab.pattern import Outcome

CHILD = "memory-lab-child"
"""The name of the plugin that is there in processes of ours alone."""

Look = Callable[[Callable[[], Outcome]], object]

_ALONE = {
    "usepdb": False,
    "numprocesses": None,
    "maxprocesses": None,
    "dist": "no",
    "distload": False,
    "looponfail": False,
    "benchmark_disable": True,
    "memray": False,
}
"""Options that belong to the whole run, of pytest and of plugins that may be there."""


def imported(pytest_run: dict[str, Any], file: str) -> None:
    """Import a test file with all that pytest imports for it, and leave it at that."""
    with _session(pytest_run, file, collect_only=True):
        pass


def drive(
    look: Look,
    pytest_run: dict[str, Any],
    nodeid: str,
    size: int | None,
    over: str | None,
    reports: str | None,
) -> None:
    """Run a test as pytest does, with its body looked at.

    Args:
        look: What looks at a call.
        pytest_run: What the run that this one belongs to was started with.
        nodeid: The test.
        size: What the argument named by ``over`` is, if there is one.
        over: The argument that takes the size.
        reports: The file that the test's reports are written to. Without one, for a warm-up, only
            what belongs to the test alone is torn down.
    """
    item = _item(pytest_run, nodeid)
    if over is not None:
        item.callspec.params[over] = size  # type: ignore[attr-defined]
    body = item.runtest

    def run() -> Outcome:
        body()
        return Outcome("")

    item.runtest = lambda: look(run)  # type: ignore[method-assign, assignment]
    taking = item.config.pluginmanager.get_plugin(CHILD)
    assert isinstance(taking, _Reports)
    seen = taking.seen = _Seen()
    try:
        following = item.parent if reports is None else None
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
    finally:
        item.runtest = body  # type: ignore[method-assign]
    if reports is not None:
        Path(reports).write_text(json.dumps(asdict(seen)))


@dataclass
class _Seen:
    """What there is to report of one run of a test, as it goes into JSON."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)


class _Reports:
    """The plugin that tells a process of ours from others, and takes down what it reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.seen = _Seen()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        to_serializable = self._config.hook.pytest_report_to_serializable
        self.seen.reports.append(to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        category = warning_message.category
        self.seen.warnings.append(
            {
                "message": str(warning_message.message),
                "category": [category.__module__, category.__qualname__],
                "filename": warning_message.filename,
                "lineno": warning_message.lineno,
                "when": when,
                "nodeid": nodeid,
                "location": location,
            }
        )


_items: dict[str, pytest.Item] = {}


def _item(pytest_run: dict[str, Any], nodeid: str) -> pytest.Item:
    """Return a test, collected once in this process."""
    if nodeid not in _items:
        LASTING.enter_context(_coverage(pytest_run["coverage"]))
        path = str(Path(pytest_run["root"], nodeid))
        session = LASTING.enter_context(_session(pytest_run, path))
        found = [item for item in session.items if item.nodeid == nodeid]
        if not found:
            raise pytest.UsageError(f"{nodeid} is not there when it is collected alone")
        _items[nodeid] = found[0]
    return _items[nodeid]


@contextmanager
def _session(
    pytest_run: dict[str, Any], path: str, *, collect_only: bool = False
) -> Iterator[pytest.Session]:
    """Collect a file, or one test in it, as the run does that it belongs to."""
    os.chdir(pytest_run["dir"])
    config = _prepareconfig([*pytest_run["args"], *pytest_run["more_args"], "--capture=fd"])
    for name, value in _ALONE.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    config.option.basetemp = pytest_run["basetemp"]
    config.option.collectonly = collect_only
    # As in a worker of pytest-xdist, what is written once for a run is not written here.
    config.workerinput = pytest_run["workerinput"]  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]
    os.environ["PYTEST_XDIST_WORKER"] = pytest_run["workerinput"]["workerid"]
    config.pluginmanager.register(_Reports(config), CHILD)
    try:
        config._do_configure()
        session = pytest.Session.from_config(config)
        config.hook.pytest_sessionstart(session=session)
        config.args = [path]
        config.hook.pytest_collection(session=session)
        yield session
        config.hook.pytest_sessionfinish(session=session, exitstatus=pytest.ExitCode.OK)
    finally:
        config._ensure_unconfigure()


@contextmanager
def _coverage(options: dict[str, Any] | None) -> Iterator[None]:
    """Take part in the coverage of the run; pytest-cov joins files beside its own at the end."""
    if options is None:
        yield
        return
    import coverage

    measured = coverage.Coverage(data_suffix=True, **options)
    measured._warn_no_data = False
    measured.start()
    try:
        yield
    finally:
        measured.stop()
        measured.save()
