"""02: which loaded objects a session keeps in memory, and which your own code keeps."""

from functools import partial

from lab.course.grading.drain_answers import rows_of
from lab.course.inputs.posts import unseen_posts, whole_posts
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling

_SIZES = doubling(1_000, 8_000)


def _kept_of_an_edited_post(measured: Measurements) -> str:
    part = measured.per_item("edited") / measured.per_item("naive")
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
        open_inputs=unseen_posts,
        drain=rows_of,
        item="row",
        pace=40_000,
        growth=2_500,
        survival=200_000,
        cap=24 * 1024 * 1024,
        prepare=partial(whole_posts, 220_000),
        hints=(
            "What do you need to know about an author when the next post comes? One number. "
            "Anything else that you keep for each post stays in memory, and so does each post "
            "that you assign to, because the session keeps it.",
            "A `collections.Counter` by `author_id` contains one number for each author, and "
            "`None` is a normal key. There are a thousand authors, for any number of posts.",
            "Select `Post.id, Post.author_id, Post.view_count` by ascending id, with "
            "`execution_options={\"yield_per\": 500}`; add each row's views to the author's, and "
            "yield at once. Columns never enter the identity map.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one post cost that is kept? Calculate it from your "
            "measurement: the rise of the naive line between two sizes, divided by the number of "
            "rows between them.",
            right=lambda measured: measured.per_item("naive"),
            why="This is the post with its body and tags, the session's records about it, and its "
            "entry in the dictionary. The one number that is needed is a small part of that.",
            example="2.05 kB",
        ),
        "b": Question(
            text="A post's own title was assigned to it. What does the session keep of this post "
            "until a flush?",
            right=_kept_of_an_edited_post,
            choices=("nothing", "its new title", "the whole post"),
            why="A change must not be lost, so the session keeps a strong reference to the whole "
            "object.",
            example="the whole post",
        ),
    },
)
