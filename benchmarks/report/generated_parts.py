"""Find the generated parts of a document, fill them in, and compare them with new ones.

A part is between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Its text must be identical;
memory in the lesson's table may differ by the witness's tolerance. In the comparisons only the
words must be identical: times depend on the machine, and budgets check memory.
"""

import re
from collections.abc import Callable
from pathlib import Path

from lab.curves.limits import RESOLUTION
from lab.errors import LabError
from lab.units import parse_bytes

_FIGURE = re.compile(r"((?<=\d [kMG]B)(?:, )|(?<=\d B)(?:, ))?(?<![\w.])(\d+(?:\.\d+)? [kMG]?B)\b")
_NUMBER = re.compile(r"\d[\d.,]*(?: [kMG]?B\b)?")
_SHARE = 0.05
EXTRAPOLATED = " (extrapolated)"


def marked(name: str) -> re.Pattern[str]:
    """Return the pattern of a part; its second group is the content."""
    return re.compile(rf"(<!-- generated: {name} -->)\n(.*?)(<!-- end -->)", re.DOTALL)


def fill(text: str, contents: dict[str, str], path: Path) -> str:
    """Return a text with the contents between their marks.

    Raises:
        LabError: The text has no marks for a part.
    """
    for name, content in contents.items():
        block = marked(name).search(text)
        if block is None:
            raise LabError(f"{path} has no marks for the generated part {name!r}.")
        text = f"{text[: block.start(2)]}{content}\n{text[block.end(2) :]}"
    return text


def differences(old: str, new: str, same: Callable[[str, str], bool]) -> list[str]:
    """Compare two texts line by line, and return the lines that differ."""
    lines = list(zip(old.splitlines(), new.splitlines(), strict=False))
    changes = [f"- {a}\n+ {b}" for a, b in lines if not same(a, b)]
    if len(old.splitlines()) != len(new.splitlines()):
        changes.append("one has more lines than the other")
    return changes


def same_but_for_figures(old: str, new: str) -> bool:
    """Return whether two lines are the same except for amounts of memory."""
    return _FIGURE.sub("#", old) == _FIGURE.sub("#", new)


def same_within_tolerance(old: str, new: str) -> bool:
    """Return whether two lines are the same, with amounts of memory that differ only by noise.

    Noise is 5 % or the resolution of the witness, whichever is more. An amount after another and a
    comma is of the resident set, the first one of the heap. If one of the lines was extrapolated,
    amounts are not compared.
    """
    if EXTRAPOLATED in old or EXTRAPOLATED in new:
        return same_but_for_figures(old.replace(EXTRAPOLATED, ""), new.replace(EXTRAPOLATED, ""))
    if not same_but_for_figures(old, new):
        return False
    pairs = zip(_FIGURE.finditer(old), _FIGURE.finditer(new), strict=True)
    return all(_close(a, b, RESOLUTION["rss" if a[1] else "heap"]) for a, b in pairs)


def same_but_for_numbers(old: str, new: str) -> bool:
    """Return whether two lines are the same except for numbers, sizes and times."""
    return _NUMBER.sub("#", old) == _NUMBER.sub("#", new)


def same_but_for_results(old: str, new: str) -> bool:
    """Return whether two lines of the table of traps have the same claim and the same reality.

    The two measured cells may differ between runs, and between versions of Python. The document
    that the line comes from says whether each trap was demonstrated.
    """
    return old.split(" | ")[:2] == new.split(" | ")[:2]


def _close(old: re.Match[str], new: re.Match[str], resolution: int) -> bool:
    a, b = parse_bytes(old[2]), parse_bytes(new[2])
    return abs(a - b) <= max(_SHARE * max(a, b), resolution if a >= 1000 else 1)
