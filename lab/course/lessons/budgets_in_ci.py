"""09: a build that turns red on the commit that made memory grow, and names the line."""

from functools import partial

from lab.course.answers import text_of
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.worlds import unseen_posts, whole_posts
from lab.units import doubling

_SIZES = doubling(8_000, 64_000)


def _seen_from(seen: Measured) -> str:
    """Say at which size a budget of 2 MB first finds the commit."""
    over = [size for size, peak in sorted(seen.peaks["after"].items()) if peak > 2_000_000]
    return f"{over[0]:,} rows" if over else "none"


LESSON = Lesson(
    number="09",
    name="budgets-in-ci",
    title="Budgets in CI",
    axis="rows",
    targets=(
        Target("after", "naive", "lab.course.regression:after", _SIZES, ("20 kB", "20 kB")),
        Target("before", "streaming", "lab.course.regression:before", _SIZES, ("20 kB", "20 kB")),
    ),
    traps=("one-row-hides-the-mistake",),
    exercise=Exercise(
        function="feed",
        world=unseen_posts,
        drain=text_of,
        item="row",
        pace=20_000,
        growth=1_250,
        survival=220_000,
        cap=20 * 1024 * 1024,
        prepare=partial(whole_posts, 245_000),
        hints=(
            "The check names what happens, and the cell has one name that is only ever added to. "
            "Which line reads it again, and what does that line want to know?",
            "The totals are two numbers. They can be kept up to date with each post, so that no "
            "post has to be there at the end.",
            "Replace the list by `posts = views = 0` before the loop, `posts += 1` and "
            "`views += post.view_count` in it, and yield the last line from those two.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one row more cost at the peak since the commit? Read it off your "
            "measurement: the rise between the first and the last size, over the rows between.",
            right=lambda seen: seen.per_item("after"),
            why="That is the number itself, and its place in a set that doubles now and then.",
            example="60 B",
        ),
        "b": Question(
            text="A test of a ceiling of 2 MB had run at one of these sizes when the commit came. "
            "Which is the smallest that would have turned red?",
            right=_seen_from,
            choices=("8,000 rows", "16,000 rows", "32,000 rows", "64,000 rows", "none"),
            why="A ceiling finds what is above it at the size that is run. A claim about growth "
            "asks how the sizes compare, and needs no ceiling.",
            example="32,000 rows",
        ),
    },
)
