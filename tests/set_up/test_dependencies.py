"""Every third-party module that the package imports is declared as a requirement."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

LEFT_TO_THE_USER = {
    "pytest": "the plugin is loaded by a pytest that is there already",
    "pluggy": "pytest brings it",
    "coverage": "it is told of measured tests where pytest-cov is in use",
}
"""Imported if they are installed, and deliberately not required."""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def required(extra=None):
    """Return the distributions that the core needs, or an extra with those it includes."""
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    found = set() if extra is None else set(required())
    for line in lines:
        name, among = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", line).groups()
        if normal(name) == PROJECT["name"]:
            found = found.union(*(required(one) for one in among.split(",")))
        else:
            found.add(normal(name))
    return found


def imported(file):
    """Yield the top-level modules that a file imports, in functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def distributions(module):
    """Return the distributions that contain a module, or its name if none is installed."""
    name = "pytest" if module == "_pytest" else module
    return {normal(one) for one in installed().get(name, [name])}


installed = cache(packages_distributions)


def third_party(folder):
    """Return the third-party modules that a folder imports, each with an importing file."""
    found = {}
    for file in (ROOT / "lab" / folder).glob("*.py" if folder == "." else "**/*.py"):
        for module in {*imported(file)} - {"lab", "memory_lab", *sys.stdlib_module_names}:
            found.setdefault(module, file.relative_to(ROOT))
    return found


NEEDED = {
    ".": ("tuned",),
    "budgets": (),
    "commands": (),
    "course": ("notebooks",),
    "curves": (),
    "data": ("arrow",),
    "endpoints": ("patterns",),
    "load": ("load",),
    "measure": ("dask", "patterns"),
    "net": ("patterns",),
    "patterns": ("arrow",),
    "plugin": (),
    "report": ("plots",),
    "system": (),
    "table": ("plots",),
    "toolbox": ("patterns", "tuned"),
    "traps": ("patterns",),
    "web": ("patterns",),
}
"""Extras that the files of each folder may import, besides the core."""


def test_every_folder_says_what_it_needs():
    there = {file.relative_to(ROOT / "lab").parts[0] for file in (ROOT / "lab").glob("*/*.py")}
    assert there == set(NEEDED) - {"."}


@pytest.mark.parametrize("folder", NEEDED)
def test_what_is_imported_is_declared_where_it_is_needed(folder):
    declared = required().union(*map(required, NEEDED[folder])) | set(LEFT_TO_THE_USER)
    missing = {
        module: str(file)
        for module, file in third_party(folder).items()
        if not distributions(module) & declared
    }
    assert missing == {}


def test_an_import_that_nobody_declared_is_found(tmp_path):
    (tmp_path / "one.py").write_text("def f():\n    from h11._events import Request\n")
    assert [*imported(tmp_path / "one.py")] == ["h11"]
    assert not distributions("h11") & required("patterns")
