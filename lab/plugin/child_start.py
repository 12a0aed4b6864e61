"""The settings with which a measuring process starts the same pytest as the run."""

import json
import sys
from typing import Any

import pytest

from lab.measure.workload import Start
from lab.plugin.worker_input import options, plugin_objects, worker_input

_MORE_ARGS = {"capturemanager": "--capture=fd", "pytest_cov": "--cov-reset"}
"""Arguments by plugin: output goes into the reports, and the lab measures coverage itself."""


def process_start(item: pytest.Function) -> Start:
    """Return the state to fork measuring processes from: the test's file is imported."""
    arguments = {"pytest_run": run_settings(item.config, 0, None), "file": str(item.path)}
    return Start(("pytest",), "lab.plugin.child:import_test_file", json.dumps(arguments))


def item_key(item: pytest.Function) -> dict[str, Any]:
    """Return what identifies a test when its file is collected again.

    The node id is not enough: pytest-xdist may add to it, and a parameter may contain ``::``.

    Returns:
        ``nodeid`` for messages, ``function`` as the path to collect, and ``names`` as of
        `names_in_file`.
    """
    nodes = item.listchain()
    chain = [getattr(node, "originalname", None) or node.name for node in nodes]
    first = next(n for n, node in enumerate(nodes) if isinstance(node, pytest.Module)) + 1
    return {
        "nodeid": item.nodeid,
        "function": "::".join([str(item.path), *chain[first:]]),
        "names": names_in_file(item),
    }


def names_in_file(item: pytest.Item) -> list[str]:
    """Return the names of a test's classes and of the test, the outermost first."""
    chain = [node for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    return [node.name for node in chain]


def run_settings(config: pytest.Config, number: int, basetemp: str | None) -> dict[str, Any]:
    """Return what a measuring process needs to start its pytest, as a JSON object.

    Args:
        config: The config of the run.
        number: The number of the process among those of one test, from 0.
        basetemp: The folder for ``tmp_path``, or None.
    """
    plugins = config.pluginmanager
    return {
        "args": [str(arg) for arg in config.invocation_params.args],
        "more_args": [arg for name, arg in _MORE_ARGS.items() if plugins.has_plugin(name)],
        "dir": str(config.invocation_params.dir),
        "basetemp": basetemp,
        "plugins": plugin_objects(config),
        "workerinput": worker_input(config, number),
        "options": options(config),
        "in_worker": hasattr(config, "workerinput"),
    }


def coverage_options(item: pytest.Function) -> dict[str, Any] | None:
    """Return arguments for `coverage.Coverage`; None if the run does not combine data files.

    pytest-cov and ``coverage run --parallel-mode`` do.
    """
    module = sys.modules.get("coverage")
    current = module and module.Coverage.current()
    if not current or not current.get_option("run:parallel"):
        return None
    if item.get_closest_marker("no_cover") or "no_cover" in item.fixturenames:
        return None
    names = ("branch", "source", "include", "omit", "data_file")
    options = {name: current.get_option(f"run:{name}") for name in names}
    options["config_file"] = current.config.config_file or False
    if item.config.getoption("cov_context", None) == "test":
        options["context"] = f"{item.nodeid}|run"
    return {name: value for name, value in options.items() if value is not None}
