"""05: uploads that are validated row by row while they arrive."""

from lab.course.grading.drain_answers import rows_of
from lab.course.inputs.uploads import unseen_users
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling

_SIZES = doubling(500_000, 4_000_000)


def _larger(measured: Measurements) -> str:
    """Compare ten streaming imports with one naive import."""
    ten = 10 * measured.largest("streaming")
    return "ten streaming imports" if ten > measured.largest("naive") else "one naive import"


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
        open_inputs=unseen_users,
        drain=rows_of,
        item="row",
        look=150,
        pace=20_000,
        growth=1_500,
        survival=200_000,
        cap=24 * 1024 * 1024,
        database=False,
        hints=(
            "The end of a chunk can cut two things: a character, and a line. Keep the incomplete "
            "character and the incomplete line until the next chunk comes, and nothing else.",
            '`codecs.iterdecode(chunks, "utf-8-sig")` yields the text of each chunk, keeps an '
            "incomplete character for the next chunk, and removes the byte order mark.",
            'Write a generator of lines: `*whole, rest = (rest + text).split("\\n")`, and yield '
            "each whole line with its line end, because a quoted cell may continue on the next "
            "line. `csv.DictReader` accepts such a generator in place of a file.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more byte of the body cost the naive import at its "
            "peak?",
            right=lambda measured: measured.per_item("naive"),
            why="A row exists as bytes, as text, and as a dictionary of new strings, which is by "
            "far the largest of the three.",
            example="11.3 B",
        ),
        "b": Question(
            text="Which needs more memory: one naive import of 4 MB, or ten streaming imports of "
            "4 MB each?",
            right=_larger,
            choices=("one naive import", "ten streaming imports"),
            why="Ten streaming clients need ten batches, whatever the size of their files.",
            example="one naive import",
        ),
    },
)
