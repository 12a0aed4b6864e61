"""The commands of docs/your-app.md, run as they are written, with the frameworks themselves."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-app.md").read_text(encoding="utf-8")
ENVIRONMENT = ROOT / "build" / "neighbours" / "bin"
INSTALLING = re.compile(r"^(python3 -m venv|pip install) .*$\n", re.MULTILINE)

EXPECTED = {
    "Flask": ["O(1) kept", "O(1) broken"],
    "Django": ["O(1) kept", "O(1) broken"],
    "Litestar": ["O(1) kept", "O(1) broken"],
}


def section(name):
    """Return the commands of a framework, and the output that the page shows for them."""
    text = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    commands = re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1]
    shown = re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]
    return commands, shown


def verdicts(text):
    return re.findall(r"^O\(1\) \w+", text, re.MULTILINE)


@pytest.fixture
def path_with(tmp_path):
    """Return a PATH on which Python has a framework, or skip the test."""

    def path(framework):
        python = str(ENVIRONMENT / "python" if ENVIRONMENT.exists() else Path(sys.executable))
        if subprocess.run(
            [python, "-c", f"import {framework}, a2wsgi, uvicorn"], check=False
        ).returncode:
            pytest.skip(f"{framework} is not installed in {python}: see the marker neighbours")
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, words in (("lab", "-m lab.cli"), ("python", "")):
            file = folder / name
            file.write_text(f'#!/bin/sh\nexec "{python}" {words} "$@"\n')
            file.chmod(0o755)
        return f"{folder}:{os.environ['PATH']}"

    return path


@pytest.mark.neighbours
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.full if name == "Litestar" else ()) for name in EXPECTED],
)
def test_the_commands_of_the_page_do_what_it_says(tmp_path, path_with, name):
    environment = {"PATH": path_with(name.lower()), "PYTHONPATH": str(ROOT)}
    commands, _ = section(name)
    folder = tmp_path / "empty"
    folder.mkdir()
    ran = subprocess.run(
        ["bash", "-c", INSTALLING.sub("", commands)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert verdicts(ran.stdout) == EXPECTED[name], ran.stdout + ran.stderr


@pytest.mark.parametrize("name", list(EXPECTED))
def test_the_page_shows_the_verdict_of_each_command(name):
    commands, shown = section(name)
    assert verdicts(shown) == EXPECTED[name]
    assert commands.count("\nlab measure ") == len(EXPECTED[name])
    assert len(INSTALLING.findall(commands)) == 2


def test_the_page_is_short():
    assert len(PAGE.splitlines()) < 250
