"""00: what is measured: the heap, the resident set, and their peaks."""

from lab.course.grading.drain_answers import rows_of
from lab.course.inputs.posts import unseen_numbers
from lab.course.lesson import Exercise, Lesson, Measurements, Question, Target
from lab.units import doubling

_SIZES = doubling(10_000, 80_000)


def _generator_growth(measured: Measurements) -> str:
    factor = measured.largest("generator") / measured.smallest("generator")
    return "the same" if factor < 1.5 else "twice as much" if factor < 3 else "eight times as much"


LESSON = Lesson(
    number="00",
    name="the-lens",
    title="The lens",
    axis="n",
    targets=(
        Target(
            "list", "naive", "lab.course.examples.log_lines:add_up_a_list", _SIZES, ("1 MB", "8 MB")
        ),
        Target(
            "generator",
            "streaming",
            "lab.course.examples.log_lines:add_up_a_generator",
            _SIZES,
            ("20 kB", "20 kB"),
        ),
    ),
    traps=("joined-chunks-are-held-whole",),
    exercise=Exercise(
        function="batch_sums",
        open_inputs=unseen_numbers,
        drain=rows_of,
        item="number",
        look=2_500,
        step=4_000,
        pace=2_000_000,
        growth=16_000,
        survival=3_000_000,
        cap=16 * 1024 * 1024,
        database=False,
        hints=(
            "Which of your variables contains more than 1,000 numbers at the same time? "
            "`list(numbers)` is one example. `numbers` can be read only once: it has no length, "
            "and you cannot go back in it.",
            "Make an iterator: `iterator = iter(numbers)`. `itertools.islice(iterator, 1_000)` "
            "reads the next 1,000 numbers, or as many as are left, and the next `islice` "
            "continues after them.",
            "Loop while the list of such an `islice` is not empty, and yield its sum. Test the "
            "list and not the sum: an empty list means the end, but a sum may be 0.",
        ),
    ),
    questions={
        "a": Question(
            text="How much memory does one more line cost the list at its peak? Calculate it from "
            "your measurement: the rise of the peak between two sizes, divided by the number of "
            "lines between them.",
            right=lambda measured: measured.per_item("list"),
            why="This is the line as an object, which needs 40 or 50 bytes more than its "
            "characters, and the 8 bytes of the list's reference to it.",
            example="85 B",
        ),
        "b": Question(
            text="How much memory does the generator need for eight times as many lines?",
            right=_generator_growth,
            choices=("the same", "twice as much", "eight times as much"),
            why="It has one line at a time, and the previous line has been freed.",
            example="the same",
        ),
    },
)
