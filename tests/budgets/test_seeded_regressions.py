"""A project's budget turns red at each of six realistic regressions, and at no harmless change."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import run_lab

PROJECT = Path(__file__).parent / "sample_project"
REGRESSIONS = sorted((PROJECT / "regressions").glob("*.patch"))
HARMLESS = sorted((PROJECT / "harmless").glob("*.patch"))
ROWS = 256_000


@pytest.fixture(scope="module")
def shop_database(tmp_path_factory):
    """Orders for all sizes of the budget."""
    file = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    environment = {**os.environ, "SHOP_DATABASE": str(file), "PYTHONPATH": str(PROJECT)}
    make = [sys.executable, "-B", str(PROJECT / "make_database.py"), str(ROWS)]
    subprocess.run(make, env=environment, check=True)
    return file


def changed(patch, folder):
    """Copy the project and apply a patch to it."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    if patch is not None:
        subprocess.run(["git", "apply", "-p1", str(patch)], cwd=project, check=True)
    return project


def check(project, database):
    run = run_lab(
        "check", "--json=-", "--jobs=2", cwd=project, env={"SHOP_DATABASE": str(database)}
    )
    return run.returncode, json.loads(run.stdout), run.stderr


def lines_added(patch):
    """Return the lines of code that a patch adds."""
    added = re.findall(r"^\+ *([^+\n].*)$", patch.read_text(), re.MULTILINE)
    return {line for line in added if line.strip()}


def stands(found, *budgets):
    return [b["reasons"] for b in found["budgets"] if b["standing"] != "kept"]


def test_six_regressions_and_ten_harmless_changes_are_there():
    assert (len(REGRESSIONS), len(HARMLESS)) == (6, 10)


@pytest.mark.slow
def test_the_project_as_it_is_keeps_its_budget(shop_database, tmp_path):
    code, found, said = check(changed(None, tmp_path), shop_database)
    assert code == 0, (stands(found), said)


def first(number, patches):
    """Return the patches as parameters: some for the slow tests, all others for the full ones."""
    return [
        pytest.param(
            patch, id=patch.stem, marks=pytest.mark.slow if i < number else pytest.mark.full
        )
        for i, patch in enumerate(patches)
    ]


@pytest.mark.parametrize("patch", first(2, REGRESSIONS))
def test_a_regression_turns_the_check_red_and_its_line_is_named(patch, shop_database, tmp_path):
    code, found, _ = check(changed(patch, tmp_path), shop_database)
    assert code == 1
    broken = [budget for budget in found["budgets"] if budget["standing"] == "broken"]
    named = {site["code"] for budget in broken for site in budget["sites"][:3]}
    assert named & lines_added(patch), (named, lines_added(patch))


@pytest.mark.parametrize("patch", first(1, HARMLESS))
def test_a_harmless_change_stays_green(patch, shop_database, tmp_path):
    code, found, said = check(changed(patch, tmp_path), shop_database)
    assert code == 0, (stands(found), said)
