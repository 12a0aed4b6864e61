"""07: clients who may not, who find nothing, who hang up and who read to the end."""

from functools import partial

from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.site import unseen_site
from lab.course.visits import served, visits
from lab.course.worlds import whole_posts
from lab.measure.endpoint import NOISE

_SIZES = (2, 4, 8)


def _how_many_times(seen: Measured) -> str:
    """Say how many streaming clients cost what one naive client does."""
    times = seen.per_item("naive") / seen.per_item("streaming")
    return next((said for said, most in _TIMES.items() if times < most), "more than 100")


_TIMES = {"about as many": 2.0, "2 to 10": 10.0, "10 to 100": 100.0}

LESSON = Lesson(
    number="07",
    name="streams-among-real-clients",
    title="Streams among real clients",
    axis="clients",
    targets=(
        Target(
            "naive",
            "naive",
            "before_the_stream/load_then_decide",
            _SIZES,
            ("10 MB", "40 MB"),
        ),
        Target(
            "streaming",
            "streaming",
            "before_the_stream/first_row_decides",
            _SIZES,
            ("2 MB", "4 MB"),
        ),
    ),
    traps=(
        "authorised-too-late",
        "middleware-hides-the-broken-end",
        "abandoned-generators-keep-connections",
    ),
    exercise=Exercise(
        function="export",
        world=unseen_site,
        call=served,
        drain=visits,
        item="row",
        pace=20_000,
        growth=1_250,
        survival=170_000,
        cap=32 * 1024 * 1024,
        noise=NOISE,
        preload=("uvicorn",),
        prepare=partial(whole_posts, 190_000),
        hints=(
            "Put the four clients in order. Who has to be answered before there is a response at "
            "all, who before its first chunk, and what is left to be given back when one of them "
            "goes in the middle?",
            "The right is known before anything is read: `raise HTTPException(403)` in `export` "
            "itself. The session belongs into the generator, in a `with`, and the response has to "
            "close the generator: `OwningResponse` from `lab.streams` does, and it makes the first "
            "chunk before it sends the status.",
            "In the generator, take the rows as an iterator, fetch the first one by "
            "`next(rows, None)`, raise `HTTPException(404)` if there is none, and go on with "
            "`chain([first], rows)`. Give the response `gather(lines)`, not single lines.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one more client cost the naive endpoint at its peak? Read it off your "
            "measurement: the rise between the first and the last number of clients, over the "
            "clients between them.",
            right=lambda seen: seen.per_item("naive"),
            why="It has loaded all its posts to know that there are some, and holds them for as "
            "long as its client reads.",
            example="16.5 MB",
        ),
        "b": Question(
            text="For the memory that one more naive client costs, how many more streaming "
            "clients could the server carry?",
            right=_how_many_times,
            choices=(*_TIMES, "more than 100"),
            why="A streaming client holds a batch, a chunk and a connection. The connection is "
            "what runs out first.",
            example="10 to 100",
        ),
    },
)
