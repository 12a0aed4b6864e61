"""Every use of pytest's internals: names that pytest may change in any release.

pytest-xdist uses the same functions to start the pytest of its workers.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

OLDEST_TESTED, NEWEST_TESTED = "7.4", "9.2"
"""The range of pytest versions that the plugin is tested with."""

XPASS_STRICT = "[XPASS(strict)] "
"""How pytest begins the text of a strict xfail that passed."""

_LOGGING = "logging-plugin"
_HANDLERS = ("caplog_handler", "report_handler")

_PACKAGES = {"_pytest", "pluggy"}

_FUNCTIONS = (
    ("_pytest.config", "_prepareconfig"),
    ("_pytest.runner", "runtestprotocol"),
    ("_pytest.skipping", "evaluate_skip_marks"),
)


def require_internals(session: pytest.Session) -> None:
    """Check that the installed pytest has every internal that this module uses.

    Raises:
        pytest.UsageError: One is missing.
    """
    if missing := ", ".join(_missing(session)):
        raise pytest.UsageError(
            f"Memory Lab cannot measure with pytest {pytest.__version__}, which lacks {missing}: "
            f"install a pytest from {OLDEST_TESTED} to {NEWEST_TESTED}, or run with "
            "--no-memory-lab."
        )


def _missing(session: pytest.Session) -> Iterator[str]:
    for module, name in _FUNCTIONS:
        try:
            getattr(import_module(module), name)
        except (ImportError, AttributeError):
            yield f"{module}.{name}"
    attributes: list[tuple[object, str]] = [
        (session, "_setupstate.teardown_exact"),
        (session.config, "_do_configure"),
        (session.config, "_ensure_unconfigure"),
    ]
    if capture := _capture_manager(session.config):
        attributes.append((capture, "item_capture"))
    if logging := session.config.pluginmanager.get_plugin(_LOGGING):
        attributes += [(logging, f"{handler}.stream") for handler in _HANDLERS]
    for owner, name in attributes:
        try:
            attrgetter(name)(owner)
        except AttributeError:
            yield f"{type(owner).__name__}.{name}"


def prepare_config(args: Sequence[str]) -> pytest.Config:
    """Return the config of a new pytest with these command-line arguments."""
    from _pytest.config import _prepareconfig

    return _prepareconfig([*args])


def configure(config: pytest.Config) -> None:
    """Call `pytest_configure` of every plugin."""
    config._do_configure()


def unconfigure(config: pytest.Config) -> None:
    """Call `pytest_unconfigure` of every plugin, unless it was called before."""
    config._ensure_unconfigure()


def run_phases(item: pytest.Item, next_item: pytest.Item | None) -> list[pytest.TestReport]:
    """Run setup, call and teardown of a test; return their reports without logging them."""
    from _pytest.runner import runtestprotocol

    return runtestprotocol(item, log=False, nextitem=next_item)


def has_skip_mark(item: pytest.Item) -> bool:
    """Return whether a mark skips the test; pass on what the condition of a mark raises."""
    from _pytest.skipping import evaluate_skip_marks

    return evaluate_skip_marks(item) is not None


def tear_down(session: pytest.Session, next_item: pytest.Item | None) -> None:
    """Tear down every fixture and collector that the next test does not need; None for all."""
    session._setupstate.teardown_exact(next_item)


def captured_teardown(item: pytest.Item) -> AbstractContextManager[None]:
    """Return a context manager that adds the output of a teardown to the test's reports."""
    capture = _capture_manager(item.config)
    manager: AbstractContextManager[None] = (
        capture.item_capture("teardown", item) if capture else nullcontext()
    )
    return manager


def parameters(item: pytest.Function) -> dict[str, Any]:
    """Return the parameters of a test by name, to be read or changed; empty if it has none."""
    return item.callspec.params if hasattr(item, "callspec") else {}


def parameter_marks(item: pytest.Function) -> list[pytest.Mark]:
    """Return the marks of a test's parameters, without those of its function."""
    return [*item.callspec.marks] if hasattr(item, "callspec") else []


def arguments_of_fixtures(item: pytest.Function) -> set[str]:
    """Return the names of what the fixtures of a test take, without those of pytest's own."""
    fixtures = [fixture for same in item._fixtureinfo.name2fixturedefs.values() for fixture in same]
    own = [f for f in fixtures if not getattr(f.func, "__module__", "").startswith("_pytest.")]
    return {name for fixture in own for name in fixture.argnames}


def log_handlers(config: pytest.Config) -> list[Any]:
    """Return the handlers that keep the log for ``caplog`` and for the report; empty without."""
    plugin = config.pluginmanager.get_plugin(_LOGGING)
    return [getattr(plugin, name) for name in _HANDLERS] if plugin else []


def fixtures_in_use(item: pytest.Item) -> set[str]:
    """Return the names of the fixtures of a test, also of those that others asked for by name."""
    if not isinstance(item, pytest.Function):
        return set()
    return {*item.fixturenames, *getattr(item._request, "_fixture_defs", ())}


def is_internal(file: str) -> bool:
    """Return whether a file belongs to pytest or to its plugin manager."""
    return not _PACKAGES.isdisjoint(Path(file).parts)


def _capture_manager(config: pytest.Config) -> Any:
    return config.pluginmanager.get_plugin("capturemanager")
