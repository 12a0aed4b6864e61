"""ZIPs: other programs unpack them, blocks are read one by one, and no file stays open."""

import csv
import shutil
import subprocess
from io import BytesIO, StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import psutil
import pytest

from lab.data.inputs import posts
from lab.patterns import zip_download
from lab.patterns.csv_export import joined_chunks
from lab.patterns.shared.outcomes import digest_members
from lab.patterns.shared.zip_members import MEMBERS, csv_members, file_in_parts
from lab.patterns.zip_download import PATTERN

LATE = [variant for variant in PATTERN.variants if variant.role != "naive"]
every_variant = pytest.mark.parametrize("variant", PATTERN.variants, ids=lambda v: v.name)
compressions = pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])

CONTENTS = {
    "plain.txt": [b"one ", b"two"],
    "Größe, 渡辺.txt": [b"\0" * 100_000, b"tail"],
    "folder/inside.bin": [bytes(range(256))],
    "empty.txt": [],
}


def members(contents=CONTENTS):
    for name, blocks in contents.items():
        yield name, (block for block in blocks)


def archived(variant, contents=CONTENTS, compression=ZIP_STORED):
    return b"".join(variant.run(members(contents), compression))


@compressions
@every_variant
def test_zipfile_finds_every_member_whole(variant, compression):
    with ZipFile(BytesIO(archived(variant, compression=compression))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(CONTENTS)
        for name, blocks in CONTENTS.items():
            assert archive.read(name) == b"".join(blocks)
            assert archive.getinfo(name).compress_type == compression
            assert archive.getinfo(name).date_time[0] > 2000


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
@compressions
@every_variant
def test_unzip_finds_nothing_wrong(variant, compression, tmp_path):
    path = tmp_path / "archive.zip"
    path.write_bytes(archived(variant, compression=compression))
    done = subprocess.run(["unzip", "-tq", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@every_variant
def test_deflating_makes_it_smaller(variant):
    assert len(archived(variant, compression=ZIP_DEFLATED)) < len(archived(variant)) / 10


@every_variant
def test_without_members_it_is_an_empty_archive(variant):
    with ZipFile(BytesIO(archived(variant, {}))) as archive:
        assert archive.namelist() == []


@pytest.mark.parametrize("size", [0, 1, MEMBERS - 1, 1_000_003])
def test_the_parts_of_a_file_are_the_file(size):
    with file_in_parts(bytes=size) as parts:
        assert sum(len(block) for _, blocks in parts for block in blocks) == size
    with file_in_parts(bytes=size) as parts:
        assert digest_members(PATTERN["zip_stream"].run(parts), parts).counts["members"] == MEMBERS


def test_the_answer_is_the_members_and_not_how_they_are_packed():
    stream = PATTERN["zip_stream"].run
    answers = {digest_members(stream(members(), c), ()).digest for c in (ZIP_STORED, ZIP_DEFLATED)}
    assert len(answers) == 1
    other = {**CONTENTS, "plain.txt": [b"one two."]}
    renamed = {name.upper(): blocks for name, blocks in CONTENTS.items()}
    for different in (other, renamed, {}):
        assert digest_members(stream(members(different)), ()).digest not in answers


@pytest.mark.parametrize("name", ["block_by_block", "zip_stream"])
def test_blocks_are_asked_for_one_by_one(name):
    """At most one block has been read and not yet sent."""
    read = 0

    def blocks():
        nonlocal read
        for _ in range(100):
            read += 1_000
            yield b"x" * 1_000

    sent = 0
    for chunk in PATTERN[name].run([("a", blocks())]):
        sent += len(chunk)
        assert read - sent <= 1_000
    assert read == 100_000


def test_a_member_that_is_given_whole_is_read_whole_before_anything_of_it_is_sent():
    archive = PATTERN["member_by_member"].run(members())
    assert [len(chunk) > 100_000 for chunk in archive] == [False, True, False, False, False]


@pytest.mark.parametrize("variant", LATE, ids=lambda v: v.name)
def test_closed_early_it_leaves_no_file_open(variant):
    def ours():
        return [f for f in psutil.Process().open_files() if Path(f.path).name.startswith("downl")]

    with file_in_parts(bytes=4_000_000) as parts:
        archive = variant.run(parts)
        for _ in islice(archive, 2):
            pass
        archive.close()
        assert ours() == []


@pytest.mark.parametrize("name", ["block_by_block", "zip_stream", "fast_deflate"])
def test_a_member_that_fails_fails_the_archive_and_is_closed(name):
    closed = []

    def blocks():
        try:
            yield b"good"
            raise RuntimeError("the disk is gone")
        finally:
            closed.append(True)

    with pytest.raises(RuntimeError, match="the disk is gone"):
        list(PATTERN[name].run([("a", blocks())]))
    assert closed == [True]


@pytest.mark.usefixtures("whole_table")
@pytest.mark.parametrize(("rows", "files"), [(0, 1), (1, 1), (10_000, 1), (10_001, 2)])
@every_variant
def test_posts_in_files_are_the_posts_of_the_csv_export(variant, rows, files):
    with posts(rows) as db:
        archive = b"".join(variant.run(csv_members(db), ZIP_DEFLATED))
        export = list(csv.reader(StringIO("".join(joined_chunks(db)))))
    with ZipFile(BytesIO(archive)) as unpacked:
        assert unpacked.namelist() == [f"posts-{n:04d}.csv" for n in range(1, files + 1)]
        unpacked_rows = []
        for name in unpacked.namelist():
            header, *body = csv.reader(TextIOWrapper(unpacked.open(name), "utf-8", newline=""))
            assert header == export[0]
            unpacked_rows += body
    assert unpacked_rows == export[1:]


@pytest.mark.parametrize("name", ["isal.isal_zlib", "zlib"])
def test_whatever_deflates_the_archive_is_good(name, monkeypatch):
    monkeypatch.setattr(zip_download, "fast", pytest.importorskip(name))
    test_zipfile_finds_every_member_whole(PATTERN["fast_deflate"], ZIP_DEFLATED)
