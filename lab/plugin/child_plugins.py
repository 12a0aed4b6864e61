"""Other plugins in a measuring process: how they start, and what is said of those that fail."""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial, wraps
from typing import Any

import pytest

from lab.errors import LabError
from lab.plugin.pytest_internals import (
    configure,
    implementations,
    is_pytests_own,
    plugin_module,
    replace_functions,
)

_VARIABLES = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")


def start_plugins(config: pytest.Config, in_worker: bool) -> None:
    """Call `pytest_configure` of every plugin.

    A plugin that fails where it finds a ``workerinput``, such as one that needs a controller, is
    started a second time without it, as in the run.

    Args:
        config: The config of the measuring process.
        in_worker: Whether the run itself is a worker of pytest-xdist.
    """
    if not in_worker:
        every = config.hook.pytest_configure.get_hookimpls()
        replace_functions(every, partial(_started_twice, config))
    configure(config)


def _started_twice(config: pytest.Config, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def start(*args: Any) -> None:
        try:
            function(*args)
        except Exception as error:
            try:
                with _no_worker(config):
                    function(*args)
            except Exception:
                raise error from None

    return start


@contextmanager
def _no_worker(config: pytest.Config) -> Iterator[None]:
    attributes = {name: vars(config).pop(name) for name in ("workerinput", "workeroutput")}
    variables = {name: os.environ.pop(name) for name in _VARIABLES}
    try:
        yield
    finally:
        vars(config).update(attributes)
        os.environ.update(variables)


def leave_skips_to_the_run(item: pytest.Item) -> None:
    """Ignore skips and xfails by hooks for the setup of a test.

    The main process has called the same hooks, and it knows the results of the other tests.
    """
    replace_functions(implementations(item, "pytest_runtest_setup"), _not_skipping)


def _not_skipping(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def set_up(*args: Any) -> None:
        with suppress(pytest.skip.Exception, pytest.xfail.Exception):
            function(*args)

    return set_up


@contextmanager
def plugin_errors(config: pytest.Config, path: str, missing: Sequence[str]) -> Iterator[None]:
    """Name the plugin whose hook fails inside the block.

    Args:
        config: The config of the measuring process.
        path: The test or the file, for the message.
        missing: The plugins that the process lacks.

    Raises:
        LabError: A plugin failed.
    """
    try:
        yield
    except BaseException as error:  # a plugin may raise anything, and the run must report it
        reason = "".join(traceback.format_exception_only(error)).strip()
        name = plugin_named(config, error)
        if not name:
            raise
        blockable = config.pluginmanager.has_plugin(name) and not name.endswith(".py")
        option = f"-p no:{name}" if blockable else "--no-memory-lab"
        raise LabError(
            f"{name} fails in the measuring process of {path} ({reason}): run with {option}.",
            details="\n".join(
                [missing_plugins(missing), *traceback.format_tb(error.__traceback__)[-6:]]
            ),
        ) from None


def plugin_named(config: pytest.Config, error: BaseException) -> str:
    """Return the name of the plugin in which an error was raised; empty if it was in pytest."""
    names: dict[str, str] = {}
    for name, plugin in config.pluginmanager.list_name_plugin():
        if not is_pytests_own(plugin) and not plugin_module(plugin).startswith("lab."):
            module = plugin_module(plugin)
            names.setdefault(module, module if name.isdigit() else name)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [frame.f_globals.get("__name__", "") for frame in reversed(frames)]
    return next((names[module] for module in modules if module in names), "")


def missing_plugins(names: Sequence[str]) -> str:
    """Return one sentence on the plugin objects that the process lacks; empty if it has all."""
    if not names:
        return ""
    return (
        f"A measuring process lacks the plugin objects {', '.join(names)} of pytest.main: define "
        "them in a module that can be imported, and let pickle copy them."
    )
