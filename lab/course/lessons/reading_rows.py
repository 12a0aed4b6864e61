"""01: many rows, read all at once, by a loop that looks lazy, and in batches."""

from functools import partial

from lab.course.grading.drain_answers import rows_of
from lab.course.inputs.posts import unseen_posts, whole_posts
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling, show_count

_SIZES = doubling(2_000, 8_000)
_NONE = "none of these"


def _first_smaller_size(measured: Measurements) -> str:
    naive, streaming = measured.peaks["naive"], measured.peaks["streaming"]
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
        open_inputs=unseen_posts,
        drain=rows_of,
        item="row",
        pace=25_000,
        growth=2_500,
        survival=150_000,
        cap=16 * 1024 * 1024,
        prepare=partial(whole_posts, 165_000),
        hints=(
            "How many rows do you need at once to write one row of the answer? Two: the post, and "
            "the post that is published next. Which of your variables contains more than two "
            "rows, or more than a batch?",
            "Select the three columns, `where(Post.published)`, by ascending id, and give "
            '`db.execute` the option `execution_options={"yield_per": 500}`: without it the driver '
            "receives the whole result, whatever your loop looks like.",
            "Keep the previous row: when a row arrives, yield the previous row together with the "
            "new row's title. After the loop one row is left, and its next title is None. If "
            "there are no rows, nothing is left.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more row cost the iterated query? Calculate it from "
            "your measurement: the rise of the peak between two sizes, divided by the number of "
            "rows between them.",
            right=lambda measured: measured.per_item("iterated"),
            why="The loop takes one post at a time, but the driver and the session have all posts "
            "before the loop gets the first.",
            example="2.1 kB",
        ),
        "b": Question(
            text="Which is the first size at which the streaming variant needs less memory than "
            "the naive one?",
            right=_first_smaller_size,
            choices=("2,000", "4,000", "8,000", _NONE),
            why="A batch of 1,000 objects has a cost of its own; for fewer rows `.all()` needs "
            "less.",
            example="4,000",
        ),
    },
)
