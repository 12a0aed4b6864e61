"""Every use of pytest's internals: names that pytest may change in any release.

pytest-xdist uses the same functions to start the pytest of its workers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pluggy import HookImpl  # pluggy 1.2 has it in another module

OLDEST_TESTED, NEWEST_TESTED = "7.4", "9.2"
"""The range of pytest versions that the plugin is tested with."""

XPASS_STRICT = "[XPASS(strict)] "
"""How pytest begins the text of a strict xfail that passed."""

_LOGGING = "logging-plugin"
_HANDLERS = ("caplog_handler", "report_handler")

_PACKAGES = {"_pytest", "pluggy"}

_FUNCTIONS = (("_pytest.config", "_prepareconfig"), ("_pytest.runner", "runtestprotocol"))

_RUNNERS = {"runner", "nose"}
"""Pytest's plugins whose hooks for a phase of a test set fixtures up, run the body, tear down."""

_RUN_TESTS = {"fixtures.py", "python.py", "unittest.py", "nose.py"}
"""Pytest's modules that call fixtures and test functions."""


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


def prepare_config(args: Sequence[str], plugins: Sequence[object]) -> pytest.Config:
    """Return the config of a new pytest with these command-line arguments and plugin objects."""
    from _pytest.config import _prepareconfig

    return _prepareconfig([*args], [*plugins])


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


def implementations(item: pytest.Item, hook: str) -> "list[HookImpl]":
    """Return the implementations of a hook that apply to a test, other than pytest's own.

    Of the hooks for a phase of a test, pytest's own for marks, logging and output are included.
    """
    every: list[HookImpl] = getattr(item.ihook, hook).get_hookimpls()
    if hook.startswith("pytest_runtest_") and hook.endswith(("setup", "teardown")):
        return [one for one in every if one.plugin_name not in _RUNNERS]
    return [one for one in every if not is_pytests_own(one.plugin)]


def call_only(
    item: pytest.Item, hook: str, plugins: Sequence[object], /, **arguments: object
) -> Any:
    """Call the implementations that these plugins have of a hook, and no others."""
    manager = item.config.pluginmanager
    others = [one.plugin for one in getattr(manager.hook, hook).get_hookimpls()]
    rest = [plugin for plugin in others if plugin not in plugins]
    return manager.subset_hook_caller(hook, rest)(**arguments)


def replace_functions(
    implementations: "Sequence[HookImpl]",
    replacement: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> None:
    """Replace the functions of hook implementations that are no wrappers."""
    for implementation in implementations:
        if not (implementation.hookwrapper or getattr(implementation, "wrapper", False)):
            setattr(implementation, "function", replacement(implementation.function))  # noqa: B010


def keep_only(config: pytest.Config, hook: str, plugin: object) -> None:
    """Remove the implementations that other plugins have of a hook."""
    caller = getattr(config.hook, hook)
    for other in {id(one.plugin): one.plugin for one in caller.get_hookimpls()}.values():
        if other is not plugin:
            caller._remove_plugin(other)


def plugin_module(plugin: object) -> str:
    """Return the name of the module that defines a plugin."""
    return str(getattr(plugin, "__name__" if isinstance(plugin, ModuleType) else "__module__", ""))


def is_pytests_own(plugin: object) -> bool:
    """Return whether a plugin belongs to pytest."""
    return plugin_module(plugin).partition(".")[0] in _PACKAGES


def raised_by_test(error: pytest.ExceptionInfo[BaseException]) -> bool:
    """Return whether a fixture or the body raised an error, and not a hook that surrounds them."""
    files = [Path(str(entry.path)) for entry in error.traceback]
    return any(path.name in _RUN_TESTS and "_pytest" in path.parts for path in files)


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
