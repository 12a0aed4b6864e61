"""Generated parts of a document: found by their marks, filled in, and held against new ones.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Text must be the same to
the letter; memory in the lesson's table may differ by the witness's tolerance. Of the comparisons
only the words are held: times are another machine's affair, and budgets hold memory.
"""

import re
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError
from lab.measure.verdict import RESOLUTION
from lab.units import parse_bytes

_FIGURE = re.compile(r"((?<=\d [kMG]B)(?:, )|(?<=\d B)(?:, ))?(?<![\w.])(\d+(?:\.\d+)? [kMG]?B)\b")
_NUMBER = re.compile(r"\d[\d.,]*(?: [kMG]?B\b)?")
_SHARE = 0.05
EXTRAPOLATED = " (extrapolated)"


def marked(name: str) -> re.Pattern[str]:
    """Return what finds a part: its second group is the content."""
    return re.compile(rf"(<!-- generated: {name} -->)\n(.*?)(<!-- end -->)", re.DOTALL)


def fill(text: str, contents: dict[str, str], path: Path) -> str:
    """Put the parts into a text with marks.

    Raises:
        LabError: A part has no marks in the text.
    """
    for name, content in contents.items():
        block = marked(name).search(text)
        if block is None:
            raise LabError(f"{path} has no marks for the generated part {name!r}.")
        text = f"{text[: block.start(2)]}{content}\n{text[block.end(2) :]}"
    return text


def differences(old: str, new: str, same: Callable[[str, str], bool]) -> list[str]:
    """Compare two texts line by line and describe the lines that are not the same."""
    lines = list(zip(old.splitlines(), new.splitlines(), strict=False))
    found = [f"- {a}\n+ {b}" for a, b in lines if not same(a, b)]
    if len(old.splitlines()) != len(new.splitlines()):
        found.append("one has more lines than the other")
    return found


def same_but_for_figures(old: str, new: str) -> bool:
    """Tell whether two lines say the same, whatever their figures are."""
    return _FIGURE.sub("#", old) == _FIGURE.sub("#", new)


def same_within_tolerance(old: str, new: str) -> bool:
    """Tell whether two lines say the same, and their figures differ by no more than noise.

    Noise is five in a hundred, or what the witness cannot tell, whichever is more; a figure of
    the resident set is one that follows a figure of the heap and a comma. What was extrapolated
    on one of the two machines is held to the verdict alone.
    """
    if EXTRAPOLATED in old or EXTRAPOLATED in new:
        return same_but_for_figures(old.replace(EXTRAPOLATED, ""), new.replace(EXTRAPOLATED, ""))
    if not same_but_for_figures(old, new):
        return False
    pairs = zip(_FIGURE.finditer(old), _FIGURE.finditer(new), strict=True)
    return all(_close(a, b, RESOLUTION["rss" if a[1] else "heap"]) for a, b in pairs)


def same_but_for_numbers(old: str, new: str) -> bool:
    """Tell whether two lines say the same, whatever their numbers, sizes and times are."""
    return _NUMBER.sub("#", old) == _NUMBER.sub("#", new)


def same_but_for_results(old: str, new: str) -> bool:
    """Tell whether two lines of the traps' table say the same, whatever was counted.

    What is said and what goes wrong is the same to the letter; the results of two runs, or of two
    versions of Python, are not. That each trap sprang is in the document that the line is from.
    """
    return old.split(" | ")[:2] == new.split(" | ")[:2]


def _close(old: re.Match[str], new: re.Match[str], resolution: int) -> bool:
    a, b = parse_bytes(old[2]), parse_bytes(new[2])
    return abs(a - b) <= max(_SHARE * max(a, b), resolution if a >= 1000 else 1)
