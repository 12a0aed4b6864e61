"""Where memory was allocated: lines of the reader's own code, and how many bytes each stands for.

An allocation is made deep inside a library; what can be mended is the line that called it. So a
site is the innermost frame in a file below the current folder that no package manager put there,
or, where there is none, the innermost frame outside the standard library and installed packages.
"""

import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from linecache import getline
from pathlib import Path

KEPT = 30
"""Sites that a reading keeps: the largest ones."""

_CODE = 80
"""Characters of a line of code that are kept."""

_SMALL = 0.001
"""Of what the first of several sites has gained: less is noise."""

_LAB = str(Path(__file__).parent.parent)
_HARNESS = tuple(str(Path(_LAB, name)) for name in ("measure", "plugin"))
_INSTALLED = {"site-packages", "dist-packages"}
_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>"}
"""Functions of their own up to Python 3.11; since then they run in the function around them."""

Frame = tuple[str, str, int]
"""Function, file and line, as memray writes them."""


@dataclass(frozen=True)
class Site:
    """A line of code, and the bytes allocated there that were alive at the peak.

    Attributes:
        file: Relative to the current folder where it lies below it.
        line: From 1.
        function: The function that the line belongs to.
        bytes: What it stands for, or how much more than in another run.
        code: The line itself, without its indentation.
    """

    file: str
    line: int
    function: str
    bytes: int
    code: str = ""

    @property
    def inside(self) -> bool:
        """Whether it lies below the current folder, where no package manager put it."""
        path = Path(self.file)
        written = not self.file.startswith("<") and not path.is_absolute()
        return written and not _INSTALLED.intersection(path.parts)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line} in {self.function}"
        return f"{place}: {self.code}" if self.code else place


def sites(allocations: Iterable[tuple[int, Sequence[Frame]]], folder: Path) -> tuple[Site, ...]:
    """Sum allocations, each its bytes and its frames from the innermost out, by line of code."""
    found: dict[Frame, int] = {}
    for size, frames in allocations:
        chosen = _chosen(frames, str(folder))
        if chosen is not None:
            found[chosen] = found.get(chosen, 0) + size
    largest = sorted(found.items(), key=lambda pair: pair[1], reverse=True)[:KEPT]
    return tuple(
        Site(_relative(file, folder), line, function, size, getline(file, line).strip()[:_CODE])
        for (function, file, line), size in largest
    )


def growing(smaller: Sequence[Site], larger: Sequence[Site]) -> tuple[Site, ...]:
    """Return the lines that hold more in the larger of two runs of the same code, and how much."""
    before = {(site.file, site.line, site.function): site.bytes for site in smaller}
    more = (
        replace(site, bytes=site.bytes - before.get((site.file, site.line, site.function), 0))
        for site in larger
    )
    return _most_first(site for site in more if site.bytes > 0)


def gained(earlier: Sequence[Site], now: Sequence[Site]) -> tuple[Site, ...]:
    """Return the lines that hold more than in a run of earlier code, and how much.

    A line is known by its text and its function: an edit above it moves it without meaning
    anything.
    """
    before: dict[tuple[str, str, str], int] = {}
    for site in earlier:
        key = site.file, site.function, site.code
        before[key] = before.get(key, 0) + site.bytes
    more = (
        replace(site, bytes=site.bytes - before.get((site.file, site.function, site.code), 0))
        for site in now
    )
    return _most_first(site for site in more if site.bytes > 0)


def _most_first(found: Iterable[Site]) -> tuple[Site, ...]:
    order = sorted(found, key=lambda site: site.bytes, reverse=True)
    return tuple(site for site in order if site.bytes > _SMALL * order[0].bytes)


def _chosen(frames: Sequence[Frame], folder: str) -> Frame | None:
    """Return the innermost frame of the project, or of no library, or of any but our own."""
    outside = None
    for at, (_, file, _) in enumerate(frames):
        where = _origin(file, folder)
        if where == "project":
            return _named(frames, at)
        if where == "elsewhere" and outside is None:
            outside = at
    if outside is None:
        outside = next((at for at, f in enumerate(frames) if not f[1].startswith(_HARNESS)), None)
    return None if outside is None else _named(frames, outside)


def _named(frames: Sequence[Frame], at: int) -> Frame:
    """Return a frame; a comprehension's has the name of the function that it stands in."""
    name, file, line = frames[at]
    around = (outer for outer, _, _ in frames[at:] if outer not in _COMPREHENSIONS)
    return next(around, name), file, line


@cache
def _origin(file: str, folder: str) -> str:
    path = Path(file)
    if _INSTALLED.intersection(path.parts):
        return "library"
    if file.startswith(("<", *_HARNESS, *_standard_library())):
        return "library"
    if path.is_relative_to(folder):
        return "project"
    return "library" if file.startswith(_LAB) else "elsewhere"


@cache
def _standard_library() -> tuple[str, ...]:
    return tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))


def _relative(file: str, folder: Path) -> str:
    path = Path(file)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file
