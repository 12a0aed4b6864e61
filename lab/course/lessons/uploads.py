"""05: uploads, validated row by row while they arrive."""

from lab.course.answers import rows_of
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.uploads import unseen_users
from lab.units import doubling

_SIZES = doubling(500_000, 4_000_000)


def _ten_against_one(seen: Measured) -> str:
    ten = 10 * seen.largest("streaming")
    return "ten streaming imports" if ten > seen.largest("naive") else "one naive import"


LESSON = Lesson(
    number="05",
    name="uploads",
    title="Uploads",
    axis="bytes",
    targets=(
        Target("naive", "naive", "upload_stream/whole_body", _SIZES, ("2 MB", "12 MB")),
        Target(
            "streaming", "streaming", "upload_stream/parse_as_it_arrives", _SIZES, ("1 MB", "1 MB")
        ),
    ),
    traps=(
        "limits-come-too-late",
        "joined-chunks-are-held-whole",
        "chunks-cut-characters-in-two",
    ),
    exercise=Exercise(
        function="valid_users",
        world=unseen_users,
        drain=rows_of,
        item="row",
        look=150,
        pace=20_000,
        growth=1_500,
        survival=200_000,
        cap=24 * 1024 * 1024,
        database=False,
        hints=(
            "Two things may be cut in two where a chunk ends: a character, and a line. Keep both "
            "halves until the next chunk comes, and nothing else.",
            '`codecs.iterdecode(chunks, "utf-8-sig")` yields the text of each chunk, keeps half a '
            "character for the next one, and takes the byte order mark away.",
            'Write a generator of lines: `*whole, rest = (rest + text).split("\\n")`, and yield '
            "each whole line with its line end, since a quoted cell may go on in the next. "
            "`csv.DictReader` takes such a generator as it would take a file.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one byte more of the body cost the naive import at its peak?",
            right=lambda seen: seen.per_item("naive"),
            why="A row is there as bytes, as text, and as a dictionary of new strings, which is by "
            "far the largest of the three.",
            example="11.3 B",
        ),
        "b": Question(
            text="Which holds more: one naive import of 4 MB, or ten streaming ones of 4 MB each?",
            right=_ten_against_one,
            choices=("one naive import", "ten streaming imports"),
            why="Ten clients who stream need ten batches, whatever the size of their files.",
            example="one naive import",
        ),
    },
)
