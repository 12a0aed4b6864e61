"""The layout of the house: small files, short functions, a line on the map for each package."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.test_layers import LAB, LAYERS

ROOT = LAB.parent
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FILES = sorted(LAB.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_PATTERN, MOST_LOOSE = 300, 50, 160, 12


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_the_map_has_each_package_in_its_layer():
    rows = re.findall(r"^\| (\d) \| `lab/([\w/.]+?)(?:\.py|/)?` \| .", MAP, re.MULTILINE)
    on_the_map = {name: int(layer) for layer, name in rows}
    assert on_the_map == {
        name: number for number, names in enumerate(LAYERS) for name in names if name != "__init__"
    }


@pytest.mark.parametrize(
    "folder", ["benchmarks", "docs", "fixtures", "notebooks", "requirements", "tests"]
)
def test_the_map_names_the_folders_of_the_project(folder):
    assert (ROOT / folder).is_dir()
    assert f"| `{folder}/` |" in MAP


@pytest.mark.parametrize("path", re.findall(r"`((?:\w+/)+\w+\.py)`", MAP))
def test_a_file_that_the_map_names_is_there(path):
    assert (LAB / path).exists() or (ROOT / path).exists()


def test_each_package_has_tests_in_a_folder_of_its_name():
    packages = {path.name for path in LAB.iterdir() if (path / "__init__.py").exists()}
    tested = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert packages - tested <= {"system", "endpoints", "net"}, "tested through others"


def test_few_modules_lie_loose():
    assert len(list(LAB.glob("*.py"))) <= MOST_LOOSE


def test_no_file_is_long():
    assert {path.name: lines(path) for path in FILES if lines(path) > LONGEST_FILE} == {}


def test_no_function_is_long():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = {
        f"{path.name}:{node.name}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kinds) and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == set()


def test_a_pattern_is_read_in_one_sitting():
    patterns = (LAB / "patterns").glob("*.py")
    assert {path.name for path in patterns if lines(path) > LONGEST_PATTERN} == set()
