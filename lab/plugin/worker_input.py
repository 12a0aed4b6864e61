"""What a measuring process gets from the run: a worker's input, options and plugin objects."""

import pickle
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

_IDS_PER_WORKER = 100
"""The measuring processes of gw0 are gw100, gw101 and so on, those of gw1 begin at gw200: plugins
that give each worker a database of its own then give one to each measuring process."""

_INPUTS = pytest.StashKey[dict[int, dict[str, str]]]()
_PLUGINS = pytest.StashKey[list[list[str]]]()


class WorkerInput(dict[str, Any]):
    """The ``workerinput`` of a measuring process; a missing value is the run's option of that name.

    Plugins give no values where pytest-xdist is not in use, but some read them all the same.

    Args:
        values: The values.
        options: The options of the run, after plugins have changed them.
    """

    def __init__(self, values: dict[str, Any], options: dict[str, Any]) -> None:
        super().__init__(values)
        self._options = options

    def __missing__(self, key: str) -> Any:
        return self._options[key]


def worker_input(config: pytest.Config, number: int) -> dict[str, str]:
    """Return the input of a measuring process, each value packed.

    It is what a worker of pytest-xdist would get, with the values that plugins and conftests add.

    Args:
        config: The config of the run.
        number: The number of the process among those of one test, from 0.
    """
    inputs = config.stash.setdefault(_INPUTS, {})
    if number not in inputs:
        inherited = getattr(config, "workerinput", {})
        worker = inherited.get("workerid", "")[2:]
        first = _IDS_PER_WORKER * (1 + int(worker) if worker.isdigit() else 1)
        values = {"workercount": 1, "testrunuid": "memory-lab", "mainargv": [], **inherited}
        values["workerid"] = f"gw{first + number}"
        if not inherited:  # a worker has those of its controller
            _add_values(config, values)
        inputs[number] = {name: text for name in values if (text := _packed(values[name]))}
    return inputs[number]


def _add_values(config: pytest.Config, values: dict[str, Any]) -> None:
    """Call `pytest_configure_node` with the parts of pytest-xdist's node that plugins use."""
    hook = getattr(config.hook, "pytest_configure_node", None)
    gateway = SimpleNamespace(id=values["workerid"])
    node = SimpleNamespace(config=config, gateway=gateway, workerinput=values)
    plugins = [implementation.plugin for implementation in hook.get_hookimpls()] if hook else []
    for plugin in plugins:
        others = [other for other in plugins if other is not plugin]
        alone = config.pluginmanager.subset_hook_caller("pytest_configure_node", others)
        with suppress(Exception):  # it may need a controller, which only a run with -n has
            alone(node=node)


def options(config: pytest.Config) -> dict[str, Any]:
    """Return the options of the run that are a text, a number or a truth value."""
    values = vars(config.option).items()
    return {name: value for name, value in values if isinstance(value, str | int | float)}


def plugin_objects(config: pytest.Config) -> list[list[str]]:
    """Return the plugins that were given to `pytest.main`, each as its description and packed.

    One that cannot be packed has an empty text.
    """
    if _PLUGINS not in config.stash:
        plugins = config.invocation_params.plugins or ()
        config.stash[_PLUGINS] = [[_described(plugin), _packed(plugin)] for plugin in plugins]
    return config.stash[_PLUGINS]


def _described(plugin: object) -> str:
    if isinstance(plugin, str | ModuleType):
        return getattr(plugin, "__name__", str(plugin))
    kind = plugin if isinstance(plugin, type) else type(plugin)
    return f"{kind.__module__}.{kind.__qualname__}"


def _packed(value: object) -> str:
    """Return an object as a text; empty if another process cannot read it."""
    if isinstance(value, ModuleType):
        return "" if value.__name__ == "__main__" else f"module:{value.__name__}"
    try:
        pickled = pickle.dumps(value)
    except Exception:  # an object of the user may raise anything
        return ""
    return "" if b"__main__" in pickled else b64encode(pickled).decode()


def unpacked(pairs: Iterable[Sequence[str]]) -> tuple[list[tuple[str, Any]], list[str]]:
    """Return what pairs (name, packed) stand for, and the names of those that cannot be read."""
    objects: list[tuple[str, Any]] = []
    missing = []
    for name, text in pairs:
        kind, _, module = text.partition(":")
        try:
            objects.append((name, import_module(module) if kind == "module" else _load(text)))
        except Exception:  # importing its module may raise anything
            missing.append(name)
    return objects, missing


def _load(text: str) -> Any:
    return pickle.loads(b64decode(text))  # noqa: S301 - the run itself packed it
