"""08: how much memory a client costs, and how many clients fit."""

from collections.abc import Callable
from functools import partial
from typing import Any

from lab.course.grading.drain_answers import texts_in_step
from lab.course.inputs.posts import unseen_clients, whole_posts
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target

_SIZES = (2, 4, 8)


_CHOICES = {"fewer than 10": 10, "10 to 50": 51, "51 to 200": 201}
"""Each choice with its upper limit, which is excluded."""


def _for_each(function: Callable[..., Any], clients: tuple[Any, ...]) -> list[Any]:
    """Call the function for every client before any of them reads."""
    return [function(*arguments) for arguments in clients]


def _clients_in_512_mb(measured: Measurements) -> str:
    """Return the choice with the number of naive clients that fit into 512 MB."""
    number = 512_000_000 / measured.per_item("naive")
    return next((choice for choice, limit in _CHOICES.items() if number < limit), "more than 200")


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
        open_inputs=unseen_clients,
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
            "Work out what one client keeps in memory while it waits for its next turn: the rows "
            "of a batch, as the driver received them and as objects, and the text that has not "
            "been sent. A row of these posts is ten times as large as a row of notebook 03.",
            "A batch of 1,000 rows with a body of half a kilobyte each is more than a megabyte. "
            "Every client has one, for as long as it reads.",
            'Fetch with `execution_options={"yield_per": 50}`, and yield whenever you have about '
            "16 KiB of text: `gather(lines, 16 * 1024)` from `lab.streams` does that.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more client cost the streaming export at its peak? "
            "Calculate it from your measurement: the rise of the peak between the first and the "
            "last number of clients, divided by the clients between them.",
            right=lambda measured: measured.per_item("streaming"),
            why="This is a batch, a chunk, a connection and the memory of the request itself. It "
            "does not grow with the rows, but every client needs all of it.",
            example="850 kB",
        ),
        "b": Question(
            text="A container gives your server 512 MB for its clients. How many clients of the "
            "naive export, of this size, fit into that?",
            right=_clients_in_512_mb,
            choices=(*_CHOICES, "more than 200"),
            why="It is 512 MB divided by the cost of one client. With twice the rows, half as many "
            "clients fit.",
            example="10 to 50",
        ),
    },
)
