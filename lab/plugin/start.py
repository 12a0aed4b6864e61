"""What a process of our own is told, so that it starts the pytest that the run is."""

import json
import sys
from typing import Any

import pytest

from lab.measure.workload import Start

_WORKERS = 100
"""Processes of one worker are numbered from its own hundred, so that no two share a database."""

_SAID = {"capturemanager": "--capture=fd", "pytest_cov": "--cov-reset"}
"""What is said to plugins that are there: output is for the reports; coverage is taken by us."""


def start(item: pytest.Function) -> Start:
    """Have the test's file imported, as pytest does, in what the processes are forked from."""
    arguments = {"pytest_run": the_run(item.config, 0, None), "file": str(item.path)}
    return Start(("pytest",), "lab.plugin.child:imported", json.dumps(arguments))


def same_test(item: pytest.Function) -> dict[str, Any]:
    """Return what a test is found by when its file is collected again.

    Its id would not do: pytest-xdist may add to it, and what it is a parameter of may hold ``::``.
    """
    within = item.listchain()
    chain = [getattr(node, "originalname", None) or node.name for node in within]
    first = next(n for n, node in enumerate(within) if isinstance(node, pytest.Module)) + 1
    return {
        "nodeid": item.nodeid,
        "function": "::".join([str(item.path), *chain[first:]]),
        "names": names(item),
    }


def names(item: pytest.Item) -> list[str]:
    """Return the names that lead to a test within its file."""
    chain = [node for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    return [node.name for node in chain]


def the_run(config: pytest.Config, number: int, basetemp: str | None) -> dict[str, Any]:
    """Say what a process of our own has to start its pytest with."""
    plugins, theirs = config.pluginmanager, getattr(config, "workerinput", {})
    worker = theirs.get("workerid", "")
    first = _WORKERS * (1 + int(worker[2:])) if worker[2:].isdigit() else _WORKERS
    return {
        "args": [str(arg) for arg in config.invocation_params.args],
        "more_args": [said for name, said in _SAID.items() if plugins.has_plugin(name)],
        "dir": str(config.invocation_params.dir),
        "basetemp": basetemp,
        "workerinput": {
            "workercount": 1,
            "testrunuid": "memory-lab",
            "mainargv": [],
            **theirs,
            "workerid": f"gw{first + number}",
        },
    }


def coverage_of(item: pytest.Function) -> dict[str, Any] | None:
    """Return how coverage is measured in this process, if it is and will be joined from files.

    So it is under pytest-cov, and under ``coverage run --parallel-mode``.
    """
    module = sys.modules.get("coverage")
    current = module and module.Coverage.current()
    if not current or not current.get_option("run:parallel"):
        return None
    if item.get_closest_marker("no_cover") or "no_cover" in item.fixturenames:
        return None
    options = ("branch", "source", "include", "omit", "data_file")
    found = {option: current.get_option(f"run:{option}") for option in options}
    found["config_file"] = current.config.config_file or False
    if item.config.getoption("cov_context", None) == "test":
        found["context"] = f"{item.nodeid}|run"
    return {option: value for option, value in found.items() if value is not None}
