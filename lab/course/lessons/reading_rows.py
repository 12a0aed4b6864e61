"""01: many rows, read all at once, read by a loop that looks lazy, and read by the batch."""

from functools import partial

from lab.course.answers import rows_of
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.worlds import unseen_posts, whole_posts
from lab.units import doubling, show_count

_SIZES = doubling(2_000, 8_000)
_NONE = "none of these"


def _first_that_pays(seen: Measured) -> str:
    naive, streaming = seen.peaks["naive"], seen.peaks["streaming"]
    return next((show_count(n) for n in sorted(naive) if streaming[n] < naive[n]), _NONE)


LESSON = Lesson(
    number="01",
    name="reading-rows",
    title="Reading rows",
    axis="rows",
    targets=(
        Target("naive", "naive", "rows/load_all", _SIZES, ("4 MB", "16 MB")),
        Target("iterated", "trap", "rows/iterate_query", _SIZES, ("2 MB", "2 MB")),
        Target("streaming", "streaming", "rows/yield_per", _SIZES, ("2 MB", "2 MB")),
    ),
    traps=("offset-pages-under-writes", "offset-pages-read-again", "text-gives-one-partition"),
    exercise=Exercise(
        function="published",
        world=unseen_posts,
        drain=rows_of,
        item="row",
        pace=25_000,
        growth=2_500,
        survival=150_000,
        cap=16 * 1024 * 1024,
        prepare=partial(whole_posts, 165_000),
        hints=(
            "How many rows have to be known to write one line of the answer? Two: the post, and "
            "the one that is published next. Which of your names knows more than two, or than a "
            "batch?",
            "Select the three columns, `where(Post.published)`, by ascending id, and give "
            '`db.execute` the option `execution_options={"yield_per": 500}`: without it the driver '
            "takes in the whole result, whatever your loop looks like.",
            "Remember the row before: when a row comes, yield the one before it together with its "
            "title. After the loop one row is left, and its last item is None; but of no rows "
            "none is left.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one row more cost the query that is merely iterated? Read it off your "
            "measurement: the rise between two sizes, over the rows between them.",
            right=lambda seen: seen.per_item("iterated"),
            why="The loop takes one post at a time; the driver and the session had them all before "
            "the first.",
            example="2.1 kB",
        ),
        "b": Question(
            text="Which is the first size at which the streaming variant needs less than the naive "
            "one?",
            right=_first_that_pays,
            choices=("2,000", "4,000", "8,000", _NONE),
            why="A batch of 1,000 objects has a price of its own; below it `.all()` is cheaper.",
            example="4,000",
        ),
    },
)
