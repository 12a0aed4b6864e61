"""Cards: a notebook's output of a sentence, a picture with a description, and a small table.

The HTML needs no script. As plain text, a card has the same content without the picture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from html import escape
from typing import Any, Literal

from lab.errors import LabError

Mood = Literal["good", "bad", "plain"]

_MARKS: dict[Mood, tuple[str, str]] = {
    "good": ("✓", "#009E73"),
    "bad": ("✗", "#D55E00"),
    "plain": ("", "#888888"),
}
"""Mark and colour of each mood; the sentence alone must be enough."""


@dataclass(frozen=True)
class Card:
    """The output of a call in a notebook.

    Attributes:
        sentence: The result, in one sentence.
        mood: Whether the result is good or bad for the student.
        code: Source text to show: the line that failed, a solution.
        svg: A picture that contains its title and description.
        columns: The table's headings; the first column is text and the others are figures.
        rows: The table's rows, with a cell for each column.
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
        sentence = escape(f"{mark} {self.sentence}".strip())
        parts = [f'<p style="border-left: 4px solid {colour}; padding-left: 8px">{sentence}</p>']
        if self.code:
            parts.append(f"<pre>{escape(self.code)}</pre>")
        if self.svg:
            svg = self.svg.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)
            parts.append(f'<figure style="margin: 0; max-width: 640px">{svg}</figure>')
        if self.rows:
            parts.append(_as_html(self.columns, self.rows))
        return "\n".join(parts)


def _as_text(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    lines = [columns, *rows] if rows else []
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
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


def as_card(call: Callable[..., Card | None]) -> Callable[..., Card | None]:
    """Decorate a call so that it returns a LabError as a card instead of raising it."""

    @wraps(call)
    def wrapper(*arguments: Any, **named: Any) -> Card | None:
        try:
            return call(*arguments, **named)
        except LabError as error:
            return Card(str(error), "bad", error.details)

    return wrapper
