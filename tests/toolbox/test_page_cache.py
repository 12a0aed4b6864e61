"""Whether the next chunk of a file is in the page cache."""

import os
import sys

import pytest

from lab.toolbox.page_cache import NextCached

pytestmark = pytest.mark.skipif(
    not hasattr(os, "RWF_NOWAIT"), reason="only Linux tells what is in the page cache"
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    return path


def forget(path):
    """Tell the system to drop a file from its cache, where it can."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def test_what_was_just_written_is_in_memory(file):
    cached = NextCached(file, 40_000)
    assert [cached() for _ in range(4)] == [True] * 4


def test_what_the_system_has_forgotten_is_not(file):
    forget(file)
    cached = NextCached(file, 40_000)
    if cached():
        pytest.skip("this file system always keeps files in memory")
    assert not cached()
    file.read_bytes()
    assert cached()


def test_a_range_begins_in_mid_file(file):
    assert NextCached(file, 10, start=99_995)()


@pytest.mark.parametrize("content", [b"", None])
def test_what_is_not_there_is_not_in_memory(tmp_path, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert not NextCached(path, 10)()


def test_where_the_system_cannot_tell_the_answer_is_no(file, monkeypatch):
    monkeypatch.delattr(os, "RWF_NOWAIT")
    assert not NextCached(file, 10)()


def test_it_leaves_no_descriptor_open(file):
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    cached = NextCached(file, 10)
    for _ in range(50):
        cached()
    assert len(os.listdir("/proc/self/fd")) == before
