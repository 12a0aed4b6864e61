"""Rows of a CSV validated by pydantic: one by one, or a page in one call.

A call for each row costs more than the checks do, and so does a dictionary or a model for each.
But the error of a page names its bad rows and drops the good ones. So a page is validated as a
list of tuples in which a bad row becomes None; only those rows are validated again, one by one,
for the reasons.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, get_type_hints

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from lab.toolbox.csv_pages import Page
from lab.toolbox.csv_stream import Row

Reject = Callable[[int, ValidationError | csv.Error], None]
"""Called with the line that a bad row starts on, and the reason."""


class _OrNone:
    """Make pydantic put None in place of a value that is not valid, instead of raising."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


class RowValidator:
    """The rules for a row.

    Args:
        kind: A `TypedDict` of the columns.

    Attributes:
        columns: The names of the columns, in the order of the `TypedDict`.
    """

    def __init__(self, kind: type) -> None:
        fields = get_type_hints(kind, include_extras=True)
        self.columns = tuple(fields)
        row = Annotated[tuple[tuple(fields.values())], _OrNone()]  # type: ignore[misc, valid-type]
        self._page: TypeAdapter[list[tuple[Any, ...] | None]] = TypeAdapter(list[row])  # type: ignore[valid-type]
        self._row: TypeAdapter[dict[str, Any]] = TypeAdapter(kind)

    def valid_rows(
        self, numbered: Iterable[tuple[int, Row | csv.Error]], reject: Reject
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows that are valid, by column.

        Args:
            numbered: Rows by column, or their errors, with the lines that they start on.
            reject: Called for every other row, in the order of the file.
        """
        for line, row in numbered:
            values = self._checked(line, row, reject)
            if values is not None:
                yield values

    def valid(self, header: Sequence[str], page: Page, reject: Reject) -> list[tuple[Any, ...]]:
        """Return the rows of a page that are valid, as tuples in the order of `columns`.

        Blank rows, and cells without a column, are skipped.

        Args:
            header: The columns of the file.
            page: Rows as they were read.
            reject: Called for every other row, in the order of the file.
        """
        results = self._page.validate_python(self._picked(header, page))
        good = [values for values in results if values]
        if len(good) == len(results):
            return good
        for index, values in enumerate(results):
            if values is None:
                results[index] = self._validate_again(header, page, index, reject)
        return [values for values in results if values]

    def _picked(self, header: Sequence[str], page: Page) -> Sequence[object]:
        """Return cells in the order of `columns`; an empty tuple for a row without all of them."""
        if tuple(header) == self.columns:
            return page.rows
        if any(list(header).count(column) != 1 for column in self.columns):
            return [()] * len(page.rows)
        at = [header.index(column) for column in self.columns]
        return [
            [row[i] for i in at] if isinstance(row, list) and len(row) > max(at) else ()
            for row in page.rows
        ]

    def _validate_again(
        self, header: Sequence[str], page: Page, index: int, reject: Reject
    ) -> tuple[Any, ...] | None:
        row = page.rows[index]
        if not row:
            return None
        cells = row if isinstance(row, csv.Error) else dict(zip(header, row, strict=False))
        values = self._checked(page.starts[index], cells, reject)
        return None if values is None else tuple(values[column] for column in self.columns)

    def _checked(self, line: int, row: Row | csv.Error, reject: Reject) -> dict[str, Any] | None:
        if isinstance(row, csv.Error):
            reject(line, row)
            return None
        try:
            return self._row.validate_python(row)
        except ValidationError as error:
            reject(line, error)
            return None
