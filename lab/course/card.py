"""What a notebook shows: a sentence, a picture with a description inside it, and a small table.

The page needs no script, and as plain text a card says the same without the picture.
"""

from dataclasses import dataclass
from html import escape
from typing import Literal

Mood = Literal["good", "bad", "plain"]

_MARKS: dict[Mood, tuple[str, str]] = {
    "good": ("✓", "#009E73"),
    "bad": ("✗", "#D55E00"),
    "plain": ("", "#888888"),
}
"""A mark and a colour for each mood; the sentence says the same in words."""


@dataclass(frozen=True)
class Card:
    """Something to read in a notebook's output.

    Attributes:
        sentence: What is so, in one sentence.
        mood: Whether that is good or bad news for whoever reads it.
        code: Lines to show as they are: the line that failed, a solution.
        svg: A picture, described inside itself.
        columns: The table's headings; the first column is text and the others are figures.
        rows: The table's rows, of as many cells.
    """

    sentence: str
    mood: Mood = "plain"
    code: str = ""
    svg: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        mark, _ = _MARKS[self.mood]
        parts = [f"{mark} {self.sentence}".strip(), self.code, _as_text(self.columns, self.rows)]
        return "\n\n".join(part for part in parts if part)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        mark, colour = _MARKS[self.mood]
        said = escape(f"{mark} {self.sentence}".strip())
        parts = [f'<p style="border-left: 4px solid {colour}; padding-left: 8px">{said}</p>']
        if self.code:
            parts.append(f"<pre>{escape(self.code)}</pre>")
        if self.svg:
            fitting = self.svg.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)
            parts.append(f'<figure style="margin: 0; max-width: 640px">{fitting}</figure>')
        if self.rows:
            parts.append(_as_html(self.columns, self.rows))
        return "\n".join(parts)


def _as_text(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    lines = [columns, *rows] if rows else []
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _as_html(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td style="padding-left: 1em">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
