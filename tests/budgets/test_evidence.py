"""A budget is kept by evidence: what was asked, what children hold, what the heap does not show."""

import json
import re

import pytest

from tests.helpers import run_lab

MINE = """
import ctypes, subprocess, sys

def count(n):
    for _ in range(n):
        pass
    return None

CACHE = []

def cached(n):
    if not CACHE:
        CACHE.extend(float(i) for i in range(n))
    return n

def child(n):
    code = "x = bytearray(100_000_000); import time; time.sleep(0.1)"
    subprocess.run([sys.executable, "-c", code], check=True)
    return n

def pool(n):
    libc = ctypes.CDLL(None)
    libc.syscall.restype = ctypes.c_void_p
    size = 40_000_000
    address = libc.syscall(ctypes.c_long(9), None, ctypes.c_size_t(size), 3, 0x22, -1, 0)
    ctypes.memset(address, 1, size)
    libc.syscall(ctypes.c_long(11), ctypes.c_void_p(address), ctypes.c_size_t(size))
    return n

def fills(n):
    return len(bytearray(55 * min(n, 40_000))) and n
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Check one budget and return the exit code, the output and the budget's result."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "mine.py").write_text(MINE)

    def run(*lines, words=()):
        text = "\n".join(["[budget.b]", *lines])
        (tmp_path / "memory-budgets.toml").write_text(text)
        result = run_lab("check", "--jobs=1", "--json=found.json", *words, cwd=tmp_path)
        file = tmp_path / "found.json"
        found = json.loads(file.read_text())["budgets"][0] if file.exists() else None
        file.unlink(missing_ok=True)
        return result.returncode, result.stdout + result.stderr, found

    return run


def test_an_answer_that_is_always_the_same_is_no_evidence_unless_a_reason_says_why(check):
    lines = ('target = "mine:count"', 'claim = "O(1)"')
    code, said, _ = check(*lines)
    assert code == 3
    assert "the answer is the same at every size (NoneType, 1 item" in said
    code, said, found = check(*lines, 'constant-answer = "it only counts"')
    assert (code, found["standing"]) == (0, "kept"), said


@pytest.mark.parametrize("value", ["true", '""', "3"])
def test_a_constant_answer_needs_a_reason(check, value):
    code, said, _ = check('target = "mine:count"', 'claim = "O(1)"', f"constant-answer = {value}")
    assert code == 2
    assert "memory-budgets.toml:4: budget b, constant-answer: write" in said


def test_a_budget_can_do_without_a_warm_up(check):
    lines = ('target = "mine:cached"', 'peak = "100 kB"', "sizes = 100000")
    assert check(*lines)[0] == 0  # the warm-up has filled the cache
    assert check(*lines, "warm-up = false")[0] == 1


def test_a_claim_is_that_of_the_first_call_too(check):
    code, said, _ = check('target = "mine:cached"', 'claim = "O(1)"')
    assert code == 1
    assert "in runs without a warm-up" in said


def test_child_processes_count(check):
    code, said, found = check('target = "mine:child"', 'peak = "1 MiB"', "sizes = 10")
    assert code == 1
    assert "in child processes (python)" in said
    assert found["curve"]["points"][0]["elsewhere"]["children"] > 90_000_000
    assert check('target = "mine:child"', 'peak = "150 MB"', "sizes = 10")[0] == 0


def test_a_pool_that_the_heap_does_not_show_is_said(check):
    code, said, _ = check('target = "mine:pool"', 'peak = "1 MiB"', "sizes = 10")
    assert code == 3
    assert re.search(r"within the budget of 1.05 MB, but the resident set rises by (39|40)", said)
    assert check('target = "mine:pool"', 'peak = "1 MiB"', "sizes = 10", 'witness = "rss"')[0] == 1
    assert check('target = "mine:pool"', 'peak = "60 MB"', "sizes = 10")[0] == 0


@pytest.mark.slow
def test_a_cache_that_fills_up_is_kept_and_a_baseline_has_the_sizes_of_the_budget(check):
    lines = ('target = "mine:fills"', 'claim = "O(1)"')
    code, said, _ = check(*lines, words=("--update",))
    assert code == 0, said
    assert "and then is flat" in said
    code, said, found = check(*lines, words=("--baseline", "memory-baseline.json"))
    assert code == 0, said
    assert len(found["curve"]["points"]) > 5
