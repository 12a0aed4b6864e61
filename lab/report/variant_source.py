"""A variant as a recipe: its imports and helpers, its code, and the files of the lab to copy."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

_Import = tuple[str, str, str]
"""The module, the name in it (empty for the module itself), and the name that is bound (empty where
it is the module's)."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Recipe:
    """What a function needs in order to be copied.

    Attributes:
        code: The imports that the function uses, the definitions of its file that it uses, and the
            function itself, as one piece of Python.
        files: The other files of the lab that it needs, directly or through one another, such as
            ``lab/toolbox/copy_out.py``.
    """

    code: str
    files: tuple[str, ...]


def recipe(function: Callable[..., Any]) -> Recipe:
    """Return the recipe of a module-level function."""
    home = function.__module__
    names = _needed(home, function.__name__)
    own = _module(home)
    imports = [own.imports[name] for name in names[home] if name in own.imports]
    parts = [own.code(name) for name in own.definitions if name in names[home]]
    files = tuple(sorted(f"{m.replace('.', '/')}.py" for m in names if m != home))
    return Recipe("\n\n\n".join([_statements(imports), *parts]), files)


class _Module:
    """The names that a module's top level binds, by imports and by definitions."""

    def __init__(self, name: str) -> None:
        source = inspect.getsource(import_module(name))
        self._lines = source.splitlines()
        self.imports: dict[str, _Import] = {}
        self.definitions: dict[str, _Definition] = {}
        for node in ast.parse(source).body:
            if isinstance(node, ast.ImportFrom):
                for each in node.names:
                    bound = each.asname or each.name
                    self.imports[bound] = (node.module or "", each.name, bound)
            elif isinstance(node, ast.Import):
                for each in node.names:
                    bound = each.asname or each.name.partition(".")[0]
                    self.imports[bound] = (each.name, "", each.asname or "")
            elif isinstance(node, _Definition):
                for bound in _bound(node):
                    self.definitions[bound] = node

    def __contains__(self, name: str) -> bool:
        return name in self.definitions

    def used(self, name: str) -> Iterator[str]:
        """Yield the names of this module's top level that a definition uses."""
        for node in ast.walk(self.definitions[name]):
            if isinstance(node, ast.Name) and (node.id in self.imports or node.id in self):
                yield node.id

    def code(self, name: str) -> str:
        """Return the source of a definition, with its decorators."""
        node = self.definitions[name]
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(each.lineno for each in decorators)])
        return "\n".join(self._lines[first - 1 : node.end_lineno])


@cache
def _module(name: str) -> _Module:
    return _Module(name)


def _bound(node: _Definition) -> list[str]:
    if isinstance(node, ast.Assign):
        return [each.id for each in node.targets if isinstance(each, ast.Name)]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    return [node.name]


def _needed(module: str, name: str) -> dict[str, dict[str, None]]:
    """Return, for each module of the lab, the names that a definition needs from it."""
    needed: dict[str, dict[str, None]] = {}
    pending = [(module, name)]
    while pending:
        module, name = pending.pop()
        if name in needed.setdefault(module, {}):
            continue
        needed[module][name] = None
        here = _module(module)
        if name in here:
            pending += [(module, used) for used in here.used(name)]
        elif name in here.imports:
            source, there, _ = here.imports[name]
            if source.partition(".")[0] == "lab" and there:
                pending.append((source, there))
    return needed


def _statements(imports: list[_Import]) -> str:
    """Return import statements, one for each module, in groups as linters sort them."""
    names: dict[str, list[str]] = {}
    groups: tuple[list[str], ...] = ([], [], [])
    for module, name, bound in sorted(imports):
        alias = f" as {bound}" if bound not in ("", name) else ""
        if name:
            names.setdefault(module, []).append(name + alias)
        else:
            groups[_group(module)].append(f"import {module}{alias}")
    for module in sorted(names):
        groups[_group(module)].append(f"from {module} import {', '.join(names[module])}")
    return "\n\n".join("\n".join(group) for group in groups if group)


def _group(module: str) -> int:
    """Return 0 for the standard library, 1 for other packages, 2 for the lab."""
    top = module.partition(".")[0]
    return 0 if top in sys.stdlib_module_names else 2 if top == "lab" else 1
