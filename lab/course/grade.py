"""What became of a student's answer: an outcome, a sentence, and the curves it rests on."""

from dataclasses import dataclass
from typing import Literal

from lab.course.card import Card, Mood
from lab.pattern import Role
from lab.units import show_bytes, show_count

Result = Literal[
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
    """An answer, judged.

    Attributes:
        outcome: One of seven.
        sentence: What was seen, with figures, or what to do.
        code: The line that failed, with its number.
        yours: The answer's curve.
        reference: The solution's.
    """

    outcome: Result
    sentence: str
    code: str = ""
    yours: Peaks = ()
    reference: Peaks = ()

    @property
    def passed(self) -> bool:
        """Whether it is right in every way."""
        return self.outcome == "passed"

    def card(self, axis: str) -> Card:
        """Return what the notebook shows."""
        said = f"{self.outcome.capitalize()}: {self.sentence}"
        mood: Mood = (
            "good" if self.passed else "plain" if self.outcome == "not attempted" else "bad"
        )
        if not self.yours:
            return Card(said, mood, self.code)
        rows = tuple(
            (show_count(size), show_bytes(peak), show_bytes(dict(self.reference).get(size, 0)))
            for size, peak in self.yours
        )
        columns = (axis, "your peak", "the solution's")
        return Card(said, mood, self.code, self._drawn(axis), columns, rows)

    def _drawn(self, axis: str) -> str:
        from lab.report.plot import Trace, draw

        role: Role = "streaming" if self.passed else "naive"
        traces = [Trace("the solution's", "tuned", self.reference)] if self.reference else []
        # The last one is on top.
        traces.append(Trace("yours", role, self.yours))
        said = "; ".join(
            f"{one.label} from {show_bytes(one.points[0][1])} to {show_bytes(one.points[-1][1])}"
            for one in traces
        )
        description = f"Peak heap against {axis}, both axes logarithmic: {said}."
        return draw("Your answer beside the solution", description, traces, axis)
