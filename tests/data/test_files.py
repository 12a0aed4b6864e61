"""Files have the same bytes on every machine, and are never incomplete."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from lab.data import files
from lab.errors import LabError

KNOWN = json.loads(Path(__file__).parents[2].joinpath("fixtures/digests.json").read_text())


@pytest.mark.parametrize("kind", ["download", "users"])
def test_the_bytes_are_the_known_ones(kind, own_home):
    make = {"download": files.download_file, "users": files.users_csv}[kind]
    for size, digest in KNOWN[kind].items():
        assert hashlib.sha256(make(int(size)).read_bytes()).hexdigest() == digest


def test_a_smaller_file_is_a_prefix_of_a_larger_one(own_home):
    small, large = files.download_file(100_000), files.download_file(300_000)
    assert large.read_bytes().startswith(small.read_bytes())
    assert small.stat().st_size == 100_000


def test_users_are_whole_rows_and_one_in_many_is_invalid(own_home):
    path = files.users_csv(200_000)
    assert 199_800 < path.stat().st_size <= 200_000
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    bad = [row for row in rows if "@" not in row["email"] or int(row["age"]) > 150]
    assert len(bad) == len(rows) // files.BAD_ROW_EVERY
    assert len({row["email"] for row in rows}) == len(rows)


def test_a_file_is_made_once_and_can_be_removed(own_home):
    path = files.download_file(1_000)
    made = path.stat().st_mtime_ns
    assert files.download_file(1_000).stat().st_mtime_ns == made
    assert files.files() == [path]
    theirs = path.with_name("thesis.bin")
    theirs.write_text("not the lab's")
    assert files.drop_files() == 1
    assert files.files() == []
    assert theirs.exists()


def test_a_broken_attempt_leaves_no_file(own_home, monkeypatch):
    def fail(size):
        yield b"some"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "download_blocks", fail)
    with pytest.raises(LabError, match=r"cannot write .*: No space left on device"):
        files.download_file(1_000)
    assert files.files() == []


def test_a_full_disk_is_noticed_before_it_is_full(own_home):
    with pytest.raises(LabError, match="free some space, or set MEMORY_LAB_HOME"):
        files.download_file(10**18)
