r"""CSV with ``\n`` at line ends, as COPY writes it, and without formulas for a spreadsheet.

Copy this file into your application; it needs only Python.
"""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""The first characters of a text that a spreadsheet may run as a formula."""


def csv_writer(file: StringIO, spreadsheet: bool = False) -> Any:
    """Return a writer of rows; for a spreadsheet, one that writes no formula."""
    return SheetWriter(file) if spreadsheet else csv.writer(LfWriter(file))


def csv_line(row: Iterable[Any], spreadsheet: bool = False) -> str:
    """Write one row as a line."""
    buffer = StringIO()
    csv_writer(buffer, spreadsheet).writerow(row)
    return buffer.getvalue()


class LfWriter:
    r"""A file for `csv.writer` in which lines end with ``\n``.

    With the option ``lineterminator="\n"``, `csv` before Python 3.13 does not quote a ``\r``.
    """

    def __init__(self, file: StringIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        r"""Write a line that ends with ``\r\n``."""
        return self._file.write(line[:-2] + "\n")


class SheetWriter:
    """Write CSV in which a spreadsheet finds no formula.

    A text that begins with one of `FORMULA` gets an apostrophe in front: a spreadsheet shows it
    and does not run it, but it is no longer the same text. So it is the choice of the user who
    downloads the file, and never the default (OWASP, "CSV injection").
    """

    def __init__(self, file: StringIO) -> None:
        self._writer = csv.writer(LfWriter(file))

    def writerow(self, row: Iterable[Any]) -> None:
        """Write one row, with an apostrophe before each formula."""
        self._writer.writerow([self._harmless(cell) for cell in row])

    @staticmethod
    def _harmless(cell: Any) -> Any:
        formula = isinstance(cell, str) and cell.startswith(FORMULA)
        return f"'{cell}" if formula else cell
