"""What a lesson of the course declares: what is predicted, measured, trapped, exercised and asked.

A lesson is declared, not registered, as a pattern is; `lab.course.lessons` lists them. The words
to read are in the notebooks, and what a notebook calls is made of these declarations.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from lab.pattern import Outcome, Role


def things(axis: str) -> str:
    """Say in a sentence what the sizes along an axis count."""
    return "items" if axis == "n" else axis


def _nothing_to_prepare() -> AbstractContextManager[None]:
    return nullcontext()


def _once(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    return function(*given)


@dataclass(frozen=True)
class Exercise:
    """A function for the student to write, and how it is judged by what it does.

    Attributes:
        function: Its name.
        world: A context manager: a size and a salt in, what the function is given out (a tuple is
            given as several arguments). Another salt makes other data.
        drain: Takes what the function returned and says what the answer was; asked to show it, the
            outcome's digest is the answer's first items, as JSON.
        item: What the size counts: ``row``, ``byte``.
        growth: The smallest of five sizes, each twice the one before, for the curve.
        survival: The size to live through under the cap.
        cap: Bytes that the answer may take more than its warm process has.
        hints: Two or three, each saying more than the one before.
        pace: A size at which the time is held against the solution's.
        look: A small size, at which the answer is compared item by item.
        step: Sizes above it are multiples of it, where something is to come out even there.
        most: Bytes per item that are allowed; 0 where memory must not grow at all.
        prepare: A context manager that has the data in place, outside of what is judged.
        database: Whether the world is in the database.
        call: Calls the function with what the world gave, and returns what is drained.
        noise: Bytes by which its peak may differ between runs, beyond what the meter mistakes.
        preload: Modules that take long to import, and that any answer may have imported.
    """

    function: str
    world: Callable[[int, int], AbstractContextManager[Any]]
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
    call: Callable[[Callable[..., Any], tuple[Any, ...]], Any] = _once
    noise: int = 0
    preload: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What a notebook's measuring cell found: for each target sizes and peaks in bytes.

    Attributes:
        axis: What the sizes count.
        peaks: Target to size to peak heap.
    """

    axis: str
    peaks: Mapping[str, Mapping[int, int]]

    def per_item(self, target: str) -> float:
        """Return the bytes that an item costs a target, between its smallest and largest size."""
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
    """A question whose right answer is taken from what the student measured.

    Attributes:
        text: The question.
        right: Works the answer out of the measurement: bytes, or one of the choices.
        why: What to learn from it, shown with the right answer.
        choices: What may be answered; empty where an amount of memory is asked for, which is right
            within a quarter.
        example: An answer that is right wherever the lab is measured as usual.
    """

    text: str
    right: Callable[[Measured], float | str]
    why: str
    example: str
    choices: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The question, with what may be answered."""
        return f"{self.text} ({' / '.join(self.choices)})" if self.choices else self.text


@dataclass(frozen=True)
class Target:
    """One line of a measurement.

    Attributes:
        label: What the student calls it, in `predict` and in the table.
        role: Its colour, mark and line.
        path: A variant, as ``rows/yield_per``, or a function, ``package.module:function``.
        sizes: Along the lesson's axis; at least two.
        guess: Peaks at the first and the last size that a student might predict.
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
        title: Of the notebook.
        axis: What grows in its measurement.
        targets: What is predicted and measured, the naive one first.
        traps: Names from `lab traps` that belong here.
        exercise: The exercise.
        questions: The quiz, by a letter for each.
        live: The request whose memory is drawn over time, without its role; empty for none.
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
        """The text of a right answer to the exercise."""
        name = self.name.replace("-", "_")
        return files("lab.course.solutions").joinpath(f"{name}.py").read_text("utf-8")

    def filled(self) -> Iterator[tuple[str, str]]:
        """Yield the cells that a student fills in, by their tags, as a right notebook has them."""
        guesses = (f"{one.label}=({one.guess[0]!r}, {one.guess[1]!r})" for one in self.targets)
        yield "predict", f"predict({', '.join(guesses)})"
        yield "exercise", self.solution
        answers = (f"{letter}={one.example!r}" for letter, one in self.questions.items())
        yield "quiz", f"quiz({', '.join(answers)})"
