"""07: clients without permission, without results, that disconnect, and that read to the end."""

from functools import partial

from lab.course.inputs.client_visits import served, visits
from lab.course.inputs.posts import whole_posts
from lab.course.inputs.student_endpoint import unseen_site
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.measure.http.endpoint import NOISE

_SIZES = (2, 4, 8)


_CHOICES = {"fewer than 2": 2.0, "2 to 10": 10.0, "10 to 100": 100.0}
"""Each choice with its upper limit."""


def _clients_for_one(measured: Measurements) -> str:
    """Return the choice with the number of streaming clients that cost as much as one naive one."""
    number = measured.per_item("naive") / measured.per_item("streaming")
    return next((choice for choice, limit in _CHOICES.items() if number < limit), "more than 100")


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
        open_inputs=unseen_site,
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
            "Put the four clients in order. Which must be answered before there is a response at "
            "all, which before its first chunk, and what must be released when a client "
            "disconnects in the middle?",
            "The permission is known before anything is read: `raise HTTPException(403)` in "
            "`export` itself. The session belongs in the generator, in a `with`, and the response "
            "must close the generator: `OwningResponse` from `lab.streams` does that, and it makes "
            "the first chunk before it sends the status.",
            "In the generator, make an iterator of the rows, fetch the first row with "
            "`next(rows, None)`, raise `HTTPException(404)` if it is None, and continue with "
            "`chain([first], rows)`. Give the response `gather(lines)`, not single lines.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more client cost the naive endpoint at its peak? "
            "Calculate it from your measurement: the rise of the peak between the first and the "
            "last number of clients, divided by the clients between them.",
            right=lambda measured: measured.per_item("naive"),
            why="It has loaded all its posts to know that there are some, and keeps them for as "
            "long as its client reads.",
            example="16.5 MB",
        ),
        "b": Question(
            text="How many additional streaming clients could the server have for the memory that "
            "one additional naive client costs?",
            right=_clients_for_one,
            choices=(*_CHOICES, "more than 100"),
            why="A streaming client needs a batch, a chunk and a connection. The connections run "
            "out first.",
            example="10 to 100",
        ),
    },
)
