"""08: how much a client costs, and how many of them fit."""

from collections.abc import Callable
from functools import partial
from typing import Any

from lab.course.answers import texts_in_step
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.worlds import unseen_clients, whole_posts

_SIZES = (2, 4, 8)


def _for_each(function: Callable[..., Any], clients: tuple[Any, ...]) -> list[Any]:
    """Have an answer begun for every client, before any of them reads."""
    return [function(*asked) for asked in clients]


def _room(seen: Measured) -> str:
    """Say how many clients of the naive export 512 MB hold, at what each of them costs."""
    fit = 512_000_000 / seen.per_item("naive")
    return next((said for said, most in _CROWDS.items() if fit < most), "more")


_CROWDS = {"fewer than 10": 10, "10 to 50": 51, "51 to 200": 201}

LESSON = Lesson(
    number="08",
    name="under-load",
    title="Under load",
    axis="clients",
    targets=(
        Target("naive", "naive", "csv_export/one_string", _SIZES, ("10 MB", "40 MB")),
        Target("streaming", "streaming", "csv_export/joined_chunks", _SIZES, ("2 MB", "2 MB")),
    ),
    traps=("everybody-gets-200-and-most-die", "slow-readers-do-not-fill-memory"),
    exercise=Exercise(
        function="export",
        world=unseen_clients,
        call=_for_each,
        drain=texts_in_step,
        item="client",
        look=2,
        pace=16,
        growth=1,
        survival=40,
        cap=20 * 1024 * 1024,
        most=400_000,
        prepare=partial(whole_posts, 60_000),
        hints=(
            "Work out what one client holds while it waits for its next turn: so many rows of a "
            "batch, as the driver received them and as objects, and so much text that has not been "
            "sent. A row of these posts is ten times as large as one of notebook 03.",
            "A batch of 1,000 rows with a body of half a kilobyte each is more than a megabyte by "
            "itself. Every client has one, for as long as it reads.",
            'Fetch with `execution_options={"yield_per": 50}`, and yield whenever some 16 KiB of '
            "text have come together: `gather(lines, 16 * 1024)` from `lab.streams` does that.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one more client cost the streaming export at its peak? Read it off "
            "your measurement: the rise between the first and the last number of clients, over "
            "the clients between them.",
            right=lambda seen: seen.per_item("streaming"),
            why="That is a batch, a chunk, a connection and what the request itself needs: flat "
            "in rows, and all of it once for each client.",
            example="850 kB",
        ),
        "b": Question(
            text="A container gives your server 512 MB for its clients. How many clients of the "
            "naive export, of this size, does that hold?",
            right=_room,
            choices=(*_CROWDS, "more"),
            why="It is 512 MB over what one of them costs. Twice the rows, and it is half as many.",
            example="10 to 50",
        ),
    },
)
