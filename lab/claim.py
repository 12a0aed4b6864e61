"""Claims about peak memory, such as `O("rows")` and `O(1)`, and the axes that they name."""

import re
from dataclasses import dataclass

from lab.errors import LabError, nearest

AXES = {
    "n": "item",
    "rows": "row",
    "bytes": "byte",
    "keys": "key",
    "batch": "row of a batch",
    "chunk": "byte of a chunk",
    "clients": "client",
}
"""The axes along which a workload grows, each with the unit that its sizes count."""


@dataclass(frozen=True, init=False)
class O:  # noqa: E742 - the field's own notation; it is never confused with a zero here
    """The axes on which peak memory depends: ``O("rows")``, ``O("batch")``, ``O(1)`` for none.

    A claim makes two statements, and both are tested: peak memory grows along the axes that it
    names, at most in proportion, and it does not grow along any other axis.

    Attributes:
        axes: The axes that it names; empty for O(1).

    Raises:
        LabError: An argument is neither 1 nor an axis.
    """

    axes: tuple[str, ...]

    def __init__(self, *axes: str | int) -> None:
        if not axes:
            raise LabError("a claim names its axes, or 1 for none: write O(1) or O(batch).")
        if axes != (1,):
            for axis in axes:
                if axis not in AXES:
                    raise LabError(
                        f"unknown claim O({axis}): write O(1), or name axes as in O(batch); "
                        f"{nearest(str(axis), list(AXES))}"
                    )
        object.__setattr__(self, "axes", () if axes == (1,) else tuple(map(str, axes)))

    def __str__(self) -> str:
        return f"O({' + '.join(self.axes) or '1'})"

    @classmethod
    def parse(cls, text: str) -> "O":
        """Parse the text of a claim: ``O(1)``, ``O(batch)``, ``O(rows + keys)``.

        Raises:
            LabError: The text is not a claim.
        """
        match = re.fullmatch(r"\s*O\(([^()]+)\)\s*", text)
        if match is None:
            raise LabError(f"unknown claim {text!r}: write O(1), O(n), or an axis as in O(batch).")
        axes = [part.strip().strip("\"'") for part in re.split(r"[+,]", match[1])]
        return cls(1) if axes == ["1"] else cls(*axes)
