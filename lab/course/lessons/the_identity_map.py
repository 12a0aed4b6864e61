"""02: what a session keeps of the rows that went through it, and who else does."""

from functools import partial

from lab.course.answers import rows_of
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.worlds import unseen_posts, whole_posts
from lab.units import doubling

_SIZES = doubling(1_000, 8_000)


def _held_of_an_edited_post(seen: Measured) -> str:
    part = seen.per_item("edited") / seen.per_item("naive")
    return "nothing" if part < 0.05 else "its new title" if part < 0.5 else "the whole post"


LESSON = Lesson(
    number="02",
    name="the-identity-map",
    title="The identity map",
    axis="rows",
    targets=(
        Target("naive", "naive", "identity_map/keep_every_post", _SIZES, ("3 MB", "17 MB")),
        Target("edited", "trap", "identity_map/edit_every_post", _SIZES, ("2 MB", "2 MB")),
        Target("streaming", "streaming", "identity_map/let_go", _SIZES, ("2 MB", "2 MB")),
    ),
    traps=(
        "expire-all-is-not-needed",
        "expiring-in-mid-batch-asks-again",
        "cycles-wait-for-the-collector",
    ),
    exercise=Exercise(
        function="running_views",
        world=unseen_posts,
        drain=rows_of,
        item="row",
        pace=40_000,
        growth=2_500,
        survival=200_000,
        cap=24 * 1024 * 1024,
        prepare=partial(whole_posts, 220_000),
        hints=(
            "What do you have to know of an author when the next post comes? One number. Whatever "
            "else you keep for each post, or have the session keep by assigning to it, stays.",
            "A `collections.Counter` by `author_id` holds a number for each author, and `None` is "
            "a key like any other. There are a thousand authors, however many posts.",
            "Select `Post.id, Post.author_id, Post.view_count` by ascending id, with "
            "`execution_options={\"yield_per\": 500}`; add each row's views to the author's, and "
            "yield at once. Columns never enter the identity map.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one post cost that is kept? Read it off your measurement: the rise of "
            "the naive line between two sizes, over the rows between them.",
            right=lambda seen: seen.per_item("naive"),
            why="That is the post with its body, its tags, what the session notes about it, and "
            "its place in the dictionary; the number that it was kept for is a small part of that.",
            example="2.05 kB",
        ),
        "b": Question(
            text="Of a post to which its own title was assigned, what does the session hold until "
            "a flush?",
            right=_held_of_an_edited_post,
            choices=("nothing", "its new title", "the whole post"),
            why="A change must not be lost, so the session refers to the object itself, and no "
            "longer weakly.",
            example="the whole post",
        ),
    },
)
