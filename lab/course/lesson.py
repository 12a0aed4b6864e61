"""The data of a lesson: its targets, traps, exercise and questions.

A lesson is a plain value, as a pattern is, and `lab.course.lessons` lists them all. The text to
read is in the notebooks; the calls of a notebook work on these values.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from lab.outcome import Outcome
from lab.pattern import Role


def axis_label(axis: str) -> str:
    """Return the noun for the sizes along an axis: ``items`` for ``n``."""
    return "items" if axis == "n" else axis


def _nothing_to_prepare() -> AbstractContextManager[None]:
    return nullcontext()


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return function(*arguments)


@dataclass(frozen=True)
class Exercise:
    """A function for the student to write, and how it is graded.

    Attributes:
        function: Its name.
        open_inputs: Context manager from a size and a salt to the function's argument, or to a
            tuple of arguments. Another salt gives other data.
        drain: Consumes what the function returned, and returns the outcome. If its second argument
            is true, the outcome's digest is the first items of the answer, as JSON.
        item: What the size counts: ``row``, ``byte``.
        growth: Smallest of the five sizes of the curve; each is twice the one before.
        survival: Size of the run under the cap.
        cap: Bytes that a run may add to its warm process.
        hints: Two or three, each more specific than the one before.
        pace: Size at which the time is compared with the solution's.
        look: Small size at which the answer is compared item by item.
        step: Sizes above it are rounded down to a multiple of it.
        most: Bytes per item that are allowed; 0 where memory must not grow at all.
        prepare: Context manager that provides the data before the graded runs.
        database: Whether the inputs are in the database.
        call: Calls the function with the inputs; the result is drained.
        noise: Bytes by which the peak may differ between runs, beyond the meter's resolution.
        preload: Modules that are slow to import, which every answer finds imported.
    """

    function: str
    open_inputs: Callable[[int, int], AbstractContextManager[Any]]
    drain: Callable[[Any, bool], Outcome]
    item: str
    growth: int
    survival: int
    cap: int
    hints: tuple[str, ...]
    pace: int
    look: int = 150
    step: int = 1
    most: int = 0
    prepare: Callable[[], AbstractContextManager[Any]] = _nothing_to_prepare
    database: bool = True
    call: Callable[[Callable[..., Any], tuple[Any, ...]], Any] = _call
    noise: int = 0
    preload: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurements:
    """The peaks that a notebook's measuring cell measured.

    Attributes:
        axis: What the sizes count.
        peaks: Target to size to peak heap in bytes.
    """

    axis: str
    peaks: Mapping[str, Mapping[int, int]]

    def per_item(self, target: str) -> float:
        """Return a target's bytes per item, between its smallest and its largest size."""
        sizes = sorted(self.peaks[target])
        rise = self.peaks[target][sizes[-1]] - self.peaks[target][sizes[0]]
        return rise / (sizes[-1] - sizes[0])

    def largest(self, target: str) -> int:
        """Return a target's peak at its largest size, in bytes."""
        return self.peaks[target][max(self.peaks[target])]

    def smallest(self, target: str) -> int:
        """Return a target's peak at its smallest size, in bytes."""
        return self.peaks[target][min(self.peaks[target])]


@dataclass(frozen=True)
class Question:
    """A question whose right answer is computed from the student's measurements.

    Attributes:
        text: The question.
        right: Computes the right answer: bytes, or one of the choices.
        why: The explanation that is shown with the right answer.
        example: An answer that is right for a usual measurement.
        choices: The possible answers; empty if the answer is an amount of memory, which is right
            within a quarter.
    """

    text: str
    right: Callable[[Measurements], float | str]
    why: str
    example: str
    choices: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The question, followed by its choices."""
        return f"{self.text} ({' / '.join(self.choices)})" if self.choices else self.text


@dataclass(frozen=True)
class Target:
    """A variant or function that a lesson predicts and measures.

    Attributes:
        label: Its name in `predict` and in the table.
        role: Determines its colour, marker and line style.
        path: A variant, as ``rows/yield_per``, or a function, ``package.module:function``.
        sizes: Along the lesson's axis, increasing; at least two.
        guess: Example of a prediction: peaks at the first and the last size.
    """

    label: str
    role: Role
    path: str
    sizes: tuple[int, ...]
    guess: tuple[str, str]


@dataclass(frozen=True)
class Lesson:
    """One notebook of the course.

    Attributes:
        number: ``00`` to ``09``.
        name: The notebook's file name after its number, with dashes.
        title: The notebook's title.
        axis: What grows in its measurement.
        targets: What is predicted and measured, the naive one first.
        traps: Names of its traps, as `lab traps` lists them.
        exercise: The exercise.
        questions: The quiz, by letter.
        live: Request of the live curve, without its role; empty for none.
    """

    number: str
    name: str
    title: str
    axis: str
    targets: tuple[Target, ...]
    traps: tuple[str, ...]
    exercise: Exercise
    questions: Mapping[str, Question]
    live: str = ""

    @property
    def solution(self) -> str:
        """The source text of the reference solution."""
        name = self.name.replace("-", "_")
        return files("lab.course.solutions").joinpath(f"{name}.py").read_text("utf-8")

    def filled(self) -> Iterator[tuple[str, str]]:
        """Yield the tag and the right text of each cell that a student fills in."""
        guesses = (f"{target.label}={target.guess!r}" for target in self.targets)
        yield "predict", f"predict({', '.join(guesses)})"
        yield "exercise", self.solution
        answers = (f"{letter}={asks.example!r}" for letter, asks in self.questions.items())
        yield "quiz", f"quiz({', '.join(answers)})"
