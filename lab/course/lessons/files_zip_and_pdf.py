"""04: files, ZIPs and PDFs, sent while they are made."""

from lab.course.archives import archive_of, unseen_members
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.units import doubling

_SIZES = doubling(2_000_000, 16_000_000)
_HUNDRED = 100_000_000


def _at_a_hundred(seen: Measured) -> float:
    """Continue the naive line to 100 MB."""
    farther = _HUNDRED - max(seen.peaks["naive"])
    return seen.largest("naive") + seen.per_item("naive") * farther


def _times(seen: Measured) -> str:
    times = seen.largest("streaming") / seen.smallest("streaming")
    return "as much" if times < 1.5 else "two to four times as much" if times < 6 else "eight times"


LESSON = Lesson(
    number="04",
    name="files-zip-and-pdf",
    title="Files, ZIP and PDF",
    axis="bytes",
    targets=(
        Target("naive", "naive", "zip_download/in_memory", _SIZES, ("3 MB", "20 MB")),
        Target("streaming", "streaming", "zip_download/block_by_block", _SIZES, ("1 MB", "1 MB")),
    ),
    traps=("open-files-yield-lines", "file-names-are-no-paths"),
    exercise=Exercise(
        function="archive",
        world=unseen_members,
        drain=archive_of,
        item="byte",
        look=1_500,
        pace=6_000_000,
        growth=1_000_000,
        survival=50_000_000,
        cap=24 * 1024 * 1024,
        database=False,
        hints=(
            "Two places hold too much: the file that the archive is written to, and the member "
            "that `writestr` wants whole. For each of them `zipfile` has another way.",
            '`ZipFile(out, "w", ZIP_DEFLATED)` writes to any object that has `write(data)` and '
            "`flush()`. Write a class whose `write` keeps the bytes and whose `take()` returns "
            "them and forgets them.",
            '`with zipped.open(name, "w", force_zip64=True) as member:` takes a member in blocks: '
            "for each of them `checksum.update(block)`, `member.write(block)`, "
            "`yield out.take()`. The directory is written when the ZipFile is closed, so take "
            "once more after that.",
        ),
    ),
    questions={
        "a": Question(
            text="How much would the naive archive of 100 MB hold? Go on along your line: each "
            "byte more costs what it cost between your smallest and your largest size.",
            right=_at_a_hundred,
            why="That is the whole archive, and one of its eight members twice over: as blocks, "
            "and joined for `writestr`. And it is for one client.",
            example="125 MB",
        ),
        "b": Question(
            text="How much does the streaming archive of 16 MB hold, beside that of 2 MB?",
            right=_times,
            choices=("as much", "two to four times as much", "eight times"),
            why="It holds a block, and an entry in the directory for each of eight members.",
            example="as much",
        ),
    },
)
