"""00: what is measured: a heap, a resident set, and the most that there was at one moment."""

from lab.course.answers import rows_of
from lab.course.lesson import Exercise, Lesson, Measured, Question, Target
from lab.course.worlds import unseen_numbers
from lab.units import doubling

_SIZES = doubling(10_000, 80_000)


def _rise_of_the_generator(seen: Measured) -> str:
    times = seen.largest("generator") / seen.smallest("generator")
    return "as much" if times < 1.5 else "twice as much" if times < 3 else "eight times as much"


LESSON = Lesson(
    number="00",
    name="the-lens",
    title="The lens",
    axis="n",
    targets=(
        Target("list", "naive", "lab.course.lens:add_up_a_list", _SIZES, ("1 MB", "8 MB")),
        Target(
            "generator",
            "streaming",
            "lab.course.lens:add_up_a_generator",
            _SIZES,
            ("20 kB", "20 kB"),
        ),
    ),
    traps=("joined-chunks-are-held-whole",),
    exercise=Exercise(
        function="batch_sums",
        world=unseen_numbers,
        drain=rows_of,
        item="number",
        look=2_500,
        step=4_000,
        pace=800_000,
        growth=16_000,
        survival=3_000_000,
        cap=16 * 1024 * 1024,
        database=False,
        hints=(
            "Which of your names knows more than 1,000 numbers at the same time? `list(numbers)` "
            "is one such name. And `numbers` can be gone through only once: it has no length, and "
            "no place to go back to.",
            "Take an iterator of them, `coming = iter(numbers)`. `itertools.islice(coming, 1_000)` "
            "takes the next 1,000 from it, or as many as are left, and the next `islice` goes on "
            "where it stopped.",
            "Loop while the list of such an `islice` is not empty, and yield its sum. An empty "
            "list is how the end looks; a sum of 0 is not, for numbers may be 0.",
        ),
    ),
    questions={
        "a": Question(
            text="What does one line more cost the list at its peak? Read it off your measurement: "
            "the rise between two sizes, over the lines between them.",
            right=lambda seen: seen.per_item("list"),
            why="That is the line as an object, 40 or 50 bytes more than its characters, and the "
            "8 bytes by which the list knows it.",
            example="85 B",
        ),
        "b": Question(
            text="For eight times as many lines, how much does the generator need?",
            right=_rise_of_the_generator,
            choices=("as much", "twice as much", "eight times as much"),
            why="It has one line at a time, and the one before is gone.",
            example="as much",
        ),
    },
)
