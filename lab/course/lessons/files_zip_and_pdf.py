"""04: files, ZIPs and PDFs that are sent while they are made."""

from lab.course.inputs.archives import archive_of, unseen_members
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling

_SIZES = doubling(2_000_000, 16_000_000)
_100_MB = 100_000_000


def _at_100_mb(measured: Measurements) -> float:
    """Extrapolate the naive peak to 100 MB."""
    further = _100_MB - max(measured.peaks["naive"])
    return measured.largest("naive") + measured.per_item("naive") * further


def _streaming_growth(measured: Measurements) -> str:
    factor = measured.largest("streaming") / measured.smallest("streaming")
    if factor < 1.5:
        return "the same"
    return "two to four times as much" if factor < 6 else "eight times as much"


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
        open_inputs=unseen_members,
        drain=archive_of,
        item="byte",
        look=1_500,
        pace=6_000_000,
        growth=1_000_000,
        survival=50_000_000,
        cap=24 * 1024 * 1024,
        database=False,
        hints=(
            "Two places keep too much: the file that the archive is written to, and `writestr`, "
            "which needs a whole member. `zipfile` has another way for each of them.",
            '`ZipFile(out, "w", ZIP_DEFLATED)` writes to any object that has `write(data)` and '
            "`flush()`. Write a class whose `write` keeps the bytes and whose `take()` returns "
            "them and drops them.",
            '`with zipped.open(name, "w", force_zip64=True) as member:` accepts a member in '
            "blocks. For each block call `checksum.update(block)` and `member.write(block)`, and "
            "`yield out.take()`. The directory is written when the ZipFile is closed, so call "
            "`take()` once more after that.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory would the naive archive of 100 MB need? Extrapolate your line: "
            "each additional byte costs as much as between your smallest and your largest size.",
            right=_at_100_mb,
            why="This is the whole archive, and one of its eight members twice: as blocks, and "
            "joined for `writestr`. And it is for one client.",
            example="125 MB",
        ),
        "b": Question(
            text="How much memory does the streaming archive of 16 MB need, compared with that of "
            "2 MB?",
            right=_streaming_growth,
            choices=("the same", "two to four times as much", "eight times as much"),
            why="It keeps one block, and an entry in the directory for each of eight members.",
            example="the same",
        ),
    },
)
