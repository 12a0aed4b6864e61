"""Recipes: what `lab show` prints can be pasted, and names every file that it needs."""

import builtins
from dis import get_instructions
from inspect import unwrap
from pathlib import Path

import pytest

import lab
from lab.patterns.csv_export import copy_chunks
from lab.report.variant_source import recipe

ROOT = Path(lab.__file__).parents[1]
VARIANTS = [variant for pattern in lab.PATTERNS for variant in pattern.variants]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v.run.__module__}.{v.name}")
def test_the_code_of_every_variant_can_be_pasted(variant):
    pasted = {"__name__": "pasted"}
    exec(recipe(variant.run).code, pasted)  # noqa: S102
    assert all((ROOT / file).is_file() for file in recipe(variant.run).files)
    used = {
        each.argval
        for function in pasted.values()
        if getattr(function, "__module__", "") == "pasted" and hasattr(function, "__code__")
        for each in get_instructions(unwrap(function))
        if each.opname == "LOAD_GLOBAL"
    }
    assert variant.name in pasted
    assert used <= {*pasted, *dir(builtins)}


def test_imports_stand_in_groups_and_files_are_those_that_the_names_come_from():
    made = recipe(copy_chunks)
    assert made.code.startswith(
        "from collections.abc import Iterator\n\n"
        "from sqlalchemy.orm import Session\n\n"
        "from lab.patterns.shared.post_columns import as_it_is, joined_columns, without_formula\n"
        "from lab.toolbox.copy_out import copied\n\n\n"
        "def copy_chunks("
    )
    assert made.files == (
        "lab/data/models.py",
        "lab/patterns/shared/post_columns.py",
        "lab/toolbox/copy_out.py",
        "lab/toolbox/csv_writer.py",
    )
