"""Allocation sites: lines of the user's own code, and the bytes allocated on behalf of each.

Most allocations are made inside a library, but the line to repair is the one that called it. So a
site is the innermost frame in a file below the current folder that is not an installed package;
without one, it is the innermost frame outside the standard library and installed packages.
"""

import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from linecache import getline
from pathlib import Path

KEPT = 30
"""Largest sites that a reading keeps."""

_CODE = 80
"""Characters that are kept of a line of code."""

_SMALL = 0.001
"""Share of the largest gain; a site that gained less is noise."""

_LAB = str(Path(__file__).parent.parent)
_HARNESS = tuple(str(Path(_LAB, name)) for name in ("measure", "plugin"))
_INSTALLED = {"site-packages", "dist-packages"}
_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>"}
"""Separate frames up to Python 3.11; later versions run them in the frame of their function."""

Frame = tuple[str, str, int]
"""Function, file and line number, as memray returns them."""


@dataclass(frozen=True)
class Site:
    """A line of code, and the bytes allocated there that were alive at the peak.

    Attributes:
        file: Path; relative if the file is below the current folder.
        line: From 1.
        function: The function that contains the line.
        bytes: Bytes allocated at the peak, or their increase over another run.
        code: The text of the line, without its indentation.
    """

    file: str
    line: int
    function: str
    bytes: int
    code: str = ""

    @property
    def inside(self) -> bool:
        """Whether the file is below the current folder and not an installed package."""
        path = Path(self.file)
        below = not self.file.startswith("<") and not path.is_absolute()
        return below and not _INSTALLED.intersection(path.parts)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line} in {self.function}"
        return f"{place}: {self.code}" if self.code else place


def sites(allocations: Iterable[tuple[int, Sequence[Frame]]], folder: Path) -> tuple[Site, ...]:
    """Sum allocations by line of code and return the largest `KEPT` sites, the largest first.

    Args:
        allocations: Bytes and frames of each allocation, the innermost frame first.
        folder: The folder of the user's own code.
    """
    bytes_by_frame: dict[Frame, int] = {}
    for size, frames in allocations:
        frame = _site_frame(frames, str(folder))
        if frame is not None:
            bytes_by_frame[frame] = bytes_by_frame.get(frame, 0) + size
    largest = sorted(bytes_by_frame.items(), key=lambda pair: pair[1], reverse=True)[:KEPT]
    return tuple(
        Site(_relative(file, folder), line, function, size, getline(file, line).strip()[:_CODE])
        for (function, file, line), size in largest
    )


def growing(smaller: Sequence[Site], larger: Sequence[Site]) -> tuple[Site, ...]:
    """Return the lines with more memory in the larger of two runs of the same code, most first.

    The bytes of each site are the increase.
    """
    before = {(site.file, site.line, site.function): site.bytes for site in smaller}
    more = (
        replace(site, bytes=site.bytes - before.get((site.file, site.line, site.function), 0))
        for site in larger
    )
    return _most_first(site for site in more if site.bytes > 0)


def gained(earlier: Sequence[Site], now: Sequence[Site]) -> tuple[Site, ...]:
    """Return the lines with more memory than in a run of earlier code, most first.

    The bytes of each site are the increase. A line is identified by its text, file and function,
    because an edit above it changes its number.
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


def _most_first(gains: Iterable[Site]) -> tuple[Site, ...]:
    ordered = sorted(gains, key=lambda site: site.bytes, reverse=True)
    return tuple(site for site in ordered if site.bytes > _SMALL * ordered[0].bytes)


def _site_frame(frames: Sequence[Frame], folder: str) -> Frame | None:
    """Return the innermost frame of the project, else outside libraries, else outside the lab."""
    outside = None
    for index, (_, file, _) in enumerate(frames):
        origin = _origin(file, folder)
        if origin == "project":
            return _named(frames, index)
        if origin == "elsewhere" and outside is None:
            outside = index
    if outside is None:
        outside = next((i for i, f in enumerate(frames) if not f[1].startswith(_HARNESS)), None)
    return None if outside is None else _named(frames, outside)


def _named(frames: Sequence[Frame], index: int) -> Frame:
    """Return a frame; one of a comprehension gets the name of its enclosing function."""
    name, file, line = frames[index]
    enclosing = (outer for outer, _, _ in frames[index:] if outer not in _COMPREHENSIONS)
    return next(enclosing, name), file, line


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
