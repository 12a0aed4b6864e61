"""The grade of an answer: an outcome, a sentence, and the curves that support it."""

from dataclasses import dataclass
from typing import Literal

from lab.course.cells.card import Card, Mood
from lab.pattern import Role
from lab.units import show_bytes, show_count

GradeOutcome = Literal[
    "passed",
    "wrong answer",
    "grows",
    "out of memory",
    "too slow",
    "error in your code",
    "not attempted",
]

Peaks = tuple[tuple[int, int], ...]
"""Sizes, and the peak heap in bytes at each."""


@dataclass(frozen=True)
class Grade:
    """The grade of an answer.

    Attributes:
        outcome: One of the seven outcomes.
        sentence: The reason, with figures, or what to do.
        code: The line that failed, with its number.
        yours: The answer's curve.
        reference: The solution's curve.
    """

    outcome: GradeOutcome
    sentence: str
    code: str = ""
    yours: Peaks = ()
    reference: Peaks = ()

    @property
    def passed(self) -> bool:
        """Whether the answer passed."""
        return self.outcome == "passed"

    def card(self, axis: str) -> Card:
        """Return the grade as a card, with both curves if there are any."""
        sentence = f"{self.outcome.capitalize()}: {self.sentence}"
        mood: Mood = (
            "good" if self.passed else "plain" if self.outcome == "not attempted" else "bad"
        )
        if not self.yours:
            return Card(sentence, mood, self.code)
        reference = dict(self.reference)
        rows = tuple(
            (show_count(size), show_bytes(peak), show_bytes(reference.get(size, 0)))
            for size, peak in self.yours
        )
        columns = (axis, "your peak", "solution's peak")
        return Card(sentence, mood, self.code, self._plot(axis), columns, rows)

    def _plot(self, axis: str) -> str:
        from lab.report.plot import Trace, draw

        role: Role = "streaming" if self.passed else "naive"
        traces = [Trace("solution", "tuned", self.reference)] if self.reference else []
        # The last trace is drawn on top.
        traces.append(Trace("your answer", role, self.yours))
        ranges = "; ".join(
            f"{trace.label} from {show_bytes(trace.points[0][1])} "
            f"to {show_bytes(trace.points[-1][1])}"
            for trace in traces
        )
        description = f"Peak heap against {axis}, both axes logarithmic: {ranges}."
        return draw("Your answer and the solution", description, traces, axis)
