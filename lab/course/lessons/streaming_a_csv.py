"""03: a CSV of 500,000 rows, exported from a process that may not hold them."""

from functools import partial

from lab.course.answers import text_of
from lab.course.lesson import Exercise, Lesson, Question, Target
from lab.course.worlds import unseen_posts, whole_posts
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
        world=unseen_posts,
        drain=text_of,
        item="row",
        look=150,
        pace=20_000,
        growth=1_250,
        survival=500_000,
        cap=64 * 1024 * 1024,
        prepare=partial(whole_posts, 550_000),
        hints=(
            "Where do 500,000 posts stand at the same time in your answer? `.all()` is one such "
            "place, a list another, and a StringIO that is never emptied a third.",
            "Select the five columns with a join, not posts: "
            "`select(Post.id, Post.title, Author.name, ...).outerjoin(Post.author)`, and give "
            '`db.execute` the option `execution_options={"yield_per": 500}`.',
            "Write into one StringIO; when it has 64 KiB in it, yield its value, then `seek(0)` "
            "and `truncate()`. Yield what is left after the last row.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one row more cost the naive export at its peak? Read it off your "
            "measurement: the rise between two sizes, over the rows between them.",
            right=lambda seen: seen.per_item("naive"),
            why="That is the row as objects, its author, and its line in the string, all at once.",
            example="2.6 kB",
        ),
        "b": Question(
            text="At which size does the streaming export need more than twice what it needs at "
            "2,000 rows?",
            right=lambda seen: (
                "none of these"
                if seen.largest("streaming") < 2 * seen.smallest("streaming")
                else "16,000"
            ),
            choices=("4,000", "8,000", "16,000", "none of these"),
            why="It holds one batch and one chunk, however many rows there are.",
            example="none of these",
        ),
    },
    live="GET /posts/export.csv?rows={rows}",
)
