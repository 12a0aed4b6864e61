"""09: a build that fails on the commit that made memory grow, and names the line."""

from functools import partial

from lab.course.grading.drain_answers import text_of
from lab.course.inputs.posts import unseen_posts, whole_posts
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling

_SIZES = doubling(8_000, 64_000)


def _first_over_ceiling(measured: Measurements) -> str:
    """Return the choice with the first size at which a budget of 2 MB finds the commit."""
    over = [size for size, peak in sorted(measured.peaks["after"].items()) if peak > 2_000_000]
    return f"{over[0]:,} rows" if over else "none"


LESSON = Lesson(
    number="09",
    name="budgets-in-ci",
    title="Budgets in CI",
    axis="rows",
    targets=(
        Target(
            "after", "naive", "lab.course.examples.regression:after", _SIZES, ("20 kB", "20 kB")
        ),
        Target(
            "before",
            "streaming",
            "lab.course.examples.regression:before",
            _SIZES,
            ("20 kB", "20 kB"),
        ),
    ),
    traps=("one-row-hides-the-mistake",),
    exercise=Exercise(
        function="feed",
        open_inputs=unseen_posts,
        drain=text_of,
        item="row",
        pace=20_000,
        growth=1_250,
        survival=220_000,
        cap=20 * 1024 * 1024,
        prepare=partial(whole_posts, 245_000),
        hints=(
            "The check names the outcome, and one variable of the cell only ever grows. Which "
            "line reads that variable again, and what does the line need to know?",
            "The totals are two numbers. Update them with each post, and you need no post at the "
            "end.",
            "Replace the list by `posts = views = 0` before the loop, `posts += 1` and "
            "`views += post.view_count` in it, and yield the last line from these two.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more row cost at the peak since the commit? Calculate "
            "it from your measurement: the rise of the peak between the first and the last size, "
            "divided by the number of rows between them.",
            right=lambda measured: measured.per_item("after"),
            why="This is the number itself, and its place in a set whose table doubles at times.",
            example="60 B",
        ),
        "b": Question(
            text="Suppose that CI had a test with a ceiling of 2 MB, at one of these sizes. Which "
            "is the smallest size at which the test would have failed on the commit?",
            right=_first_over_ceiling,
            choices=("8,000 rows", "16,000 rows", "32,000 rows", "64,000 rows", "none"),
            why="A ceiling finds only what exceeds it at the size that is run. A claim about "
            "growth compares sizes, and needs no ceiling.",
            example="32,000 rows",
        ),
    },
)
