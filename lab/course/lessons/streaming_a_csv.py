"""03: a CSV of 500,000 rows, exported by a process whose cap is too small for all of them."""

from functools import partial

from lab.course.grading.drain_answers import text_of
from lab.course.inputs.posts import unseen_posts, whole_posts
from lab.course.lesson import Exercise, Lesson, Question, Target
from lab.units import doubling

_SIZES = doubling(2_000, 16_000)

LESSON = Lesson(
    number="03",
    name="streaming-a-csv",
    title="Streaming a CSV",
    axis="rows",
    targets=(
        Target("naive", "naive", "csv_export/one_string", _SIZES, ("1 MB", "4 MB")),
        Target("streaming", "streaming", "csv_export/joined_chunks", _SIZES, ("1 MB", "1 MB")),
    ),
    traps=("lazy-authors-ask-again", "a-yield-per-row-is-a-trip-per-row"),
    exercise=Exercise(
        function="export",
        open_inputs=unseen_posts,
        drain=text_of,
        item="row",
        look=150,
        pace=20_000,
        growth=1_250,
        survival=500_000,
        cap=64 * 1024 * 1024,
        prepare=partial(whole_posts, 550_000),
        hints=(
            "Where does your answer have all 500,000 posts in memory at once? `.all()` is one "
            "such place, a list is another, and a StringIO that is never emptied is a third.",
            "Select the five columns with a join, not posts: "
            "`select(Post.id, Post.title, Author.name, ...).outerjoin(Post.author)`, and give "
            '`db.execute` the option `execution_options={"yield_per": 500}`.',
            "Write into one StringIO. When it contains 64 KiB, yield its value, then call "
            "`seek(0)` and `truncate()`. After the last row, yield the rest.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more row cost the naive export at its peak? Calculate "
            "it from your measurement: the rise of the peak between two sizes, divided by the "
            "number of rows between them.",
            right=lambda measured: measured.per_item("naive"),
            why="This is the row as objects, its author, and its line in the string, all at once.",
            example="2.6 kB",
        ),
        "b": Question(
            text="At which size does the streaming export first need more than twice as much "
            "memory as at 2,000 rows?",
            right=lambda measured: (
                "none of these"
                if measured.largest("streaming") < 2 * measured.smallest("streaming")
                else "16,000"
            ),
            choices=("4,000", "8,000", "16,000", "none of these"),
            why="It keeps one batch and one chunk, for any number of rows.",
            example="none of these",
        ),
    },
    live="GET /posts/export.csv?rows={rows}",
)
