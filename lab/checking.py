"""Rows checked by the page: pydantic is asked once for all of them, and again for the bad ones.

A call for each row costs more than the checks do, and so does a dictionary or a model for each.
The error of a page, on the other hand, would tell of its bad rows and give away the good ones.
So a page is checked as a list of tuples in which a bad row becomes None; those rows alone are
checked again, each by itself, for the reasons.
"""

import csv
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_type_hints

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from lab.csvpages import Page

Reject = Callable[[int, ValidationError | csv.Error], None]
"""Is told the line that a bad row starts on, and what is wrong with it."""


class _OrNone:
    """Has pydantic put None where a value is not valid, instead of raising."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


class Checker:
    """The rules for a row, ready to be held against whole pages.

    Args:
        kind: A `TypedDict` of the columns.
    """

    def __init__(self, kind: type) -> None:
        fields = get_type_hints(kind, include_extras=True)
        self.columns = tuple(fields)
        row = Annotated[tuple[tuple(fields.values())], _OrNone()]  # type: ignore[misc, valid-type]
        self._page: TypeAdapter[list[tuple[Any, ...] | None]] = TypeAdapter(list[row])  # type: ignore[valid-type]
        self._row: TypeAdapter[dict[str, Any]] = TypeAdapter(kind)

    def valid(self, header: Sequence[str], page: Page, reject: Reject) -> list[tuple[Any, ...]]:
        """Return the rows that are valid, their values in the order of the columns.

        Blank rows are passed over, and so are cells without a column.

        Args:
            header: The file's columns.
            page: Rows as they were read.
            reject: Called for every other row, in the order of the file.
        """
        found = self._page.validate_python(self._picked(header, page))
        good = [values for values in found if values]
        if len(good) == len(found):
            return good
        for index, values in enumerate(found):
            if values is None:
                found[index] = self._by_itself(header, page, index, reject)
        return [values for values in found if values]

    def _picked(self, header: Sequence[str], page: Page) -> Sequence[object]:
        """Return the cells by the order of the columns, and nothing for a row without them all."""
        if tuple(header) == self.columns:
            return page.rows
        if any(list(header).count(column) != 1 for column in self.columns):
            return [()] * len(page.rows)
        at = [header.index(column) for column in self.columns]
        return [
            [row[i] for i in at] if isinstance(row, list) and len(row) > max(at) else ()
            for row in page.rows
        ]

    def _by_itself(
        self, header: Sequence[str], page: Page, index: int, reject: Reject
    ) -> tuple[Any, ...] | None:
        row = page.rows[index]
        try:
            if isinstance(row, csv.Error):
                raise row
            if not row:
                return None
            values = self._row.validate_python(dict(zip(header, row, strict=False)))
        except (ValidationError, csv.Error) as error:
            reject(page.starts[index], error)
            return None
        return tuple(values[column] for column in self.columns)
