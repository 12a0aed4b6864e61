"""Traps in a notebook: what is said, what happens, and what happens done right."""

from concurrent.futures import ThreadPoolExecutor

from lab.course.card import Card, Mood
from lab.course.desk import told
from lab.course.lesson import Lesson
from lab.course.progress import Progress
from lab.errors import LabError, nearest


class Springing:
    """Called as ``trap()``, or ``trap("expiring-discards-edits")`` for one of several."""

    def __init__(self, lesson: Lesson, _: Progress) -> None:
        self._names = lesson.traps

    @told
    def __call__(self, name: str = "") -> Card:
        """Spring a trap of this lesson on real parts, and show both results."""
        from lab.traps import trap

        name = name or self._names[0]
        if name not in self._names:
            raise LabError(f"no trap {name!r} belongs here: {nearest(name, list(self._names))}")
        found = trap(name)
        # The kernel has a loop running in this thread, and a trap may want to run its own.
        with ThreadPoolExecutor(1) as thread:
            seen = thread.submit(found.spring).result()
        rows = (("as it is said", seen.wrong), ("done right", seen.right))
        said = f"“{found.said}”: {found.label}"
        mood: Mood = "plain" if seen.holds else "bad"
        return Card(said, mood, columns=("", "what happened"), rows=rows)
