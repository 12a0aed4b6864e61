"""Traps in a notebook: a common claim, what happens, and the result of the correct version."""

from concurrent.futures import ThreadPoolExecutor

from lab.course.cells.card import Card, Mood, as_card
from lab.course.lesson import Lesson
from lab.errors import LabError, nearest


class ShowTrap:
    """Called as ``trap()``, or ``trap("expiring-discards-edits")`` for one of several."""

    def __init__(self, lesson: Lesson) -> None:
        self._names = lesson.traps

    @as_card
    def __call__(self, name: str = "") -> Card:
        """Run a trap of this lesson, the first one by default, and show both results."""
        from lab.traps import trap

        name = name or self._names[0]
        if name not in self._names:
            raise LabError(f"this lesson has no trap {name!r}: {nearest(name, list(self._names))}")
        chosen = trap(name)
        # In a notebook this thread already runs an event loop, and a trap may start its own.
        with ThreadPoolExecutor(1) as thread:
            result = thread.submit(chosen.demonstrate).result()
        rows = (("as claimed", result.wrong), ("correct version", result.right))
        mood: Mood = "plain" if result.holds else "bad"
        sentence = f"“{chosen.said}”: {chosen.label}"
        return Card(sentence, mood, columns=("", "result"), rows=rows)
