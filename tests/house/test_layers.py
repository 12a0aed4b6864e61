"""Imports go from higher layers to lower ones, without cycles; the toolbox imports nothing else."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

LAB = Path(__file__).parents[2] / "lab"

LAYERS = (
    ("errors", "system", "streams"),
    ("claim", "outcome", "units", "net", "toolbox"),
    ("curves", "pattern", "data"),
    ("measure", "patterns", "endpoints"),
    ("report", "web", "variants", "doctor"),
    ("table", "budgets", "load", "traps", "course", "plugin"),
    ("commands",),
    ("cli", "pytest_plugin", "__init__"),
)
"""From the lowest; a package may import lower layers, and its own layer if there is no cycle."""

FEATURES = LAYERS[5]
ALLOWED = {("plugin", "budgets"), ("course", "traps")}
"""Imports between features: a marked test is judged as a budget, and lessons run traps."""


def modules() -> dict[str, Path]:
    """Return every module of the lab by its dotted name."""
    paths = {}
    for path in sorted(LAB.rglob("*.py")):
        parts = path.relative_to(LAB.parent).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return paths


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


@cache
def edges() -> set[tuple[str, str]]:
    """Return pairs of modules of the lab: the importing one and the imported one."""
    known = modules()
    pairs = set()
    for module, path in known.items():
        for name in imports(path):
            target = name if name in known else name.rpartition(".")[0]
            if target in known and target not in ("lab", module):
                pairs.add((module, target))
    return pairs


def package_of(module: str) -> str:
    """Return the top-level package or module of the lab that a module belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def layer_of(module: str) -> int:
    """Return the number of the layer that a module belongs to."""
    return next(number for number, packages in enumerate(LAYERS) if package_of(module) in packages)


def test_every_package_has_a_layer():
    assert {package_of(module) for module in modules()} == {
        name for packages in LAYERS for name in packages
    }


def test_a_module_imports_its_own_layer_and_lower_ones():
    assert not {
        (source, target) for source, target in edges() if layer_of(target) > layer_of(source)
    }


def test_no_feature_uses_another():
    pairs = {(package_of(a), package_of(b)) for a, b in edges() if package_of(a) != package_of(b)}
    assert {(a, b) for a, b in pairs if a in FEATURES and b in FEATURES} <= ALLOWED


def cycles(pairs: set[tuple[str, str]]) -> set[str]:
    """Return the names that are part of a cycle."""
    names = {name for pair in pairs for name in pair}
    left = set(names)
    while ends := {n for n in left if not any(a == n and b in left for a, b in pairs)}:
        left -= ends
    while starts := {n for n in left if not any(b == n and a in left for a, b in pairs)}:
        left -= starts
    return left


def test_packages_import_each_other_without_cycles():
    pairs = {(package_of(a), package_of(b)) for a, b in edges() if package_of(a) != package_of(b)}
    assert not cycles(pairs)


def test_modules_import_each_other_without_cycles():
    """A late import inside a function counts: it would only hide the cycle."""
    assert not cycles(edges())


def test_a_cycle_is_found():
    assert cycles({("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")}) == {"b", "c"}


def test_the_toolbox_imports_nothing_else_of_the_lab():
    """A file can be copied together with the files of the toolbox that it imports."""
    alone = ("toolbox", "streams")
    outside = {(a, b) for a, b in edges() if package_of(a) in alone and package_of(b) != "toolbox"}
    assert not outside
