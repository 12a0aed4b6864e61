"""06: counting, which holds what is counted and not what is read, and cursors that stay lazy."""

from functools import partial

from lab.course.answers import value_of
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.worlds import unseen_posts, whole_posts
from lab.units import doubling

_SIZES = doubling(2_000, 16_000)


def _crossing(seen: Measured) -> str:
    """Say from which size on the naive count holds more than the streaming one."""
    naive, streaming = seen.peaks["naive"], seen.peaks["streaming"]
    more = [size for size in sorted(naive) if naive[size] > streaming[size]]
    if len(more) == len(naive):
        return "2,000 or fewer"
    return "more than 16,000" if not more else "something between"


LESSON = Lesson(
    number="06",
    name="counting-and-lazy-cursors",
    title="Counting, and lazy cursors",
    axis="rows",
    targets=(
        Target("naive", "naive", "tag_counts/count_objects", _SIZES, ("2 MB", "16 MB")),
        Target("streaming", "streaming", "tag_counts/stream_column", _SIZES, ("1 MB", "1 MB")),
    ),
    traps=(
        "yielding-each-row-breaks-the-block",
        "one-row-hides-the-mistake",
        "unordered-pages-lose-rows",
    ),
    exercise=Exercise(
        function="top_tags",
        world=unseen_posts,
        drain=value_of,
        item="row",
        look=150,
        pace=20_000,
        growth=1_500,
        survival=150_000,
        cap=24 * 1024 * 1024,
        prepare=partial(whole_posts, 165_000),
        hints=(
            "A Counter holds a number for each tag, of which there are a few hundred. What else is "
            "held while the posts are read? `.all()`, a list, or a query without `yield_per` is "
            "all of them.",
            "Only one column is needed: `db.scalars(select(Post.tags).where(Post.published), "
            'execution_options={"yield_per": 1_000})` yields a list of tags for each post.',
            "`Counter.most_common(20)` leaves equal counts in the order in which they came. Sort "
            "`counts.items()` by `(-count, tag)`, and take the first twenty.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one post more cost the naive count at its peak?",
            right=lambda seen: seen.per_item("naive"),
            why="That is a post with its title and its body, of which nothing is counted.",
            example="1.9 kB",
        ),
        "b": Question(
            text="For how many posts does the naive count hold more than the streaming one?",
            right=_crossing,
            choices=("2,000 or fewer", "something between", "more than 16,000"),
            why="A batch of 1,000 lists of tags is small beside as many posts.",
            example="2,000 or fewer",
        ),
    },
)
