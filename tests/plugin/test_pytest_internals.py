"""Pytest's internals: used in one module, and missed in one sentence."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.plugin.pytest_internals import NEWEST_TESTED, OLDEST_TESTED, require_internals

ROOT = Path(__file__).parents[2]


def test_the_installed_pytest_has_them_all(request):
    require_internals(request.session)


def test_a_function_that_is_missing_is_named_with_the_versions_that_have_it(request, monkeypatch):
    sentence = (
        rf"pytest {re.escape(pytest.__version__)}, which lacks _pytest\.runner\.runtestprotocol: "
        rf"install a pytest from {OLDEST_TESTED} to {NEWEST_TESTED}, or run with --no-memory-lab"
    )
    with monkeypatch.context() as patch:
        patch.delattr("_pytest.runner.runtestprotocol")
        with pytest.raises(pytest.UsageError, match=sentence):
            require_internals(request.session)


def test_an_attribute_that_is_missing_is_named(request):
    session = SimpleNamespace(config=request.config)
    with pytest.raises(pytest.UsageError, match=r"lacks SimpleNamespace\._setupstate\.teardown"):
        require_internals(session)


def test_the_tested_range_is_that_of_the_extra_and_of_the_lock():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["pytest"] == [f"pytest>={OLDEST_TESTED}"]
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    assert re.search(rf"^pytest=={re.escape(NEWEST_TESTED)}\.", lock, re.MULTILINE)


def test_no_other_module_uses_them():
    users = [
        path.name
        for path in (ROOT / "lab").rglob("*.py")
        if re.search(r"\b_pytest\b|\._(setupstate|do_configure|ensure_un)", path.read_text())
    ]
    assert users == ["pytest_internals.py"]
