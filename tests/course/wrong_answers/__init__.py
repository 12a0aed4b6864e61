"""Wrong answers to the exercises, each with the reason for which it has to be rejected.

The first line of a file is a comment: the outcomes that are right, and after a colon what the
sentence has to say. The files in ``every`` and ``database`` wrap a lesson's solution, which they
know as ``right``; a lesson's own folder adds to them, or replaces one by a file of its name. A
file there that does not define the exercise's function is a wrapper as well.
"""

from dataclasses import dataclass
from pathlib import Path

from lab.course.lesson import Lesson

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Animal:
    """A wrong answer.

    Attributes:
        name: Its file's.
        source: The text of the cell.
        outcomes: Those of which one is right.
        says: What the sentence has to contain.
    """

    name: str
    source: str
    outcomes: tuple[str, ...]
    says: str


def animals(lesson: Lesson) -> list[Animal]:
    """List the wrong answers to a lesson's exercise, its own before those that are everywhere."""
    own = sorted((HERE / f"{lesson.number}-{lesson.name}").glob("*.py"))
    folders = ["every", "database"] if lesson.exercise.database else ["every"]
    shared = [path for folder in folders for path in sorted((HERE / folder).glob("*.py"))]
    names = {path.stem for path in own}
    wrong = [*own, *(path for path in shared if path.stem not in names)]
    return [_animal(path, _answer(lesson, path.read_text())) for path in wrong]


def _animal(path: Path, source: str) -> Animal:
    outcomes, _, says = path.read_text().splitlines()[0].removeprefix("#").partition(":")
    return Animal(path.stem, source, tuple(map(str.strip, outcomes.split(","))), says.strip())


def _answer(lesson: Lesson, wrong: str) -> str:
    """Return a whole answer: some say what they do around a right one, under the name `answer`."""
    function = lesson.exercise.function
    if f"def {function}(" in wrong:
        return wrong
    right = lesson.solution.replace(f"def {function}(", "def right(")
    return f"{right}\n\n{wrong}\n\n{function} = answer\n"
