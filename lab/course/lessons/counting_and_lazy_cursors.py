"""06: counting, which needs memory for distinct values and not for rows, and lazy cursors."""

from functools import partial

from lab.course.grading.drain_answers import value_of
from lab.course.inputs.posts import unseen_posts, whole_posts
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling

_SIZES = doubling(2_000, 16_000)


_CHOICES = ("2,000 or fewer", "between 2,000 and 16,000", "more than 16,000")


def _crossing(measured: Measurements) -> str:
    """Return the choice with the size from which the naive count needs more memory."""
    naive, streaming = measured.peaks["naive"], measured.peaks["streaming"]
    larger = [size for size in naive if naive[size] > streaming[size]]
    if len(larger) == len(naive):
        return _CHOICES[0]
    return _CHOICES[1] if larger else _CHOICES[2]


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
        open_inputs=unseen_posts,
        drain=value_of,
        item="row",
        look=150,
        pace=20_000,
        growth=1_500,
        survival=150_000,
        cap=24 * 1024 * 1024,
        prepare=partial(whole_posts, 165_000),
        hints=(
            "A Counter contains one number for each tag, and there are a few hundred tags. What "
            "else is in memory while the posts are read? `.all()`, a list, or a query without "
            "`yield_per` keeps all of them.",
            "You need only one column: `db.scalars(select(Post.tags).where(Post.published), "
            'execution_options={"yield_per": 1_000})` yields a list of tags for each post.',
            "`Counter.most_common(20)` returns equal counts in the order in which they were "
            "first seen. Sort `counts.items()` by `(-count, tag)`, and take the first twenty.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more post cost the naive count at its peak?",
            right=lambda measured: measured.per_item("naive"),
            why="This is a post with its title and its body, although only its tags are counted.",
            example="1.9 kB",
        ),
        "b": Question(
            text="From how many posts on does the naive count need more memory than the streaming "
            "count?",
            right=_crossing,
            choices=_CHOICES,
            why="A batch of 1,000 lists of tags is small compared with as many posts.",
            example="2,000 or fewer",
        ),
    },
)
