"""The body of a request: a generated CSV, a JSON text or a file; {n} stands for the size."""

import glob
import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from lab.errors import LabError

PLACE = "{n}"
"""Stands for the size in a path, in a JSON text, and in the name of a file."""

_BLOCK = 65_536


@dataclass(frozen=True)
class Body:
    """A body whose size, text or file depends on the size of a point.

    Attributes:
        kind: ``rows`` or ``bytes``, a CSV of users of that size, uploaded as a form; ``json``, a
            text; ``file``, a file of the user's.
        text: The form's field, the JSON text, or the path of the file.
    """

    kind: Literal["rows", "bytes", "json", "file"]
    text: str = "file"

    @classmethod
    def of(
        cls,
        counted: str | None = None,
        json_text: str | None = None,
        file: str | None = None,
        field: str | None = None,
    ) -> "Body | None":
        """Return the body that options describe, or None if there is none.

        Args:
            counted: What the size counts in an uploaded CSV, ``rows`` or ``bytes``.
            json_text: A JSON text.
            file: The path of a file.
            field: The form field of the CSV; by default ``file``.

        Raises:
            LabError: They describe several bodies, or one is not valid.
        """
        given = {"rows or bytes": counted, "a JSON text": json_text, "a file": file}
        if sum(value is not None for value in given.values()) > 1:
            raise LabError(f"a request has one body: give one of {', '.join(given)}.")
        if field is not None and counted is None:
            raise LabError("a field is the field of an uploaded CSV: choose its rows or bytes.")
        if counted is not None and counted not in ("rows", "bytes"):
            raise LabError(f'the size of a body counts "rows" or "bytes", not {counted!r}.')
        if json_text is not None:
            _check_json(json_text)
            return cls("json", json_text)
        if file is not None:
            return cls("file", file)
        return cls("rows" if counted == "rows" else "bytes", field or "file") if counted else None

    def __str__(self) -> str:
        return self.text if self.kind == "file" else self.kind.replace("json", "JSON")

    @property
    def grows(self) -> bool:
        """Whether it depends on the size."""
        return self.kind in ("rows", "bytes") or PLACE in self.text

    def require(self, size: int) -> None:
        """Check that the file of a size can be read.

        Raises:
            LabError: It cannot.
        """
        if self.kind == "file":
            try:
                with open(self._path(size), "rb") as file:
                    file.read(1)
            except OSError as error:
                raise LabError(
                    f"the body at {size:,} is the file {error.filename}, which cannot be read "
                    f"({error.strerror}): make it, or leave out that size."
                ) from None

    def warm_size(self, size: int, otherwise: int) -> int:
        """Return the size of the warm-up: of files the smallest one, else ``otherwise``."""
        if self.kind != "file" or PLACE not in self.text:
            return otherwise
        pattern = re.escape(self.text).replace(re.escape(PLACE), r"(\d+)", 1)
        pattern = pattern.replace(re.escape(PLACE), r"\1")
        names = glob.glob("*".join(map(glob.escape, self.text.split(PLACE))))
        sizes = (int(match[1]) for name in names if (match := re.fullmatch(pattern, name)))
        return min((found for found in sizes if found < size), default=size)

    def opened(self, size: int, measured: bool) -> tuple[Mapping[str, str], Iterator[bytes]]:
        """Return the headers of the body, and its blocks, which are made while they are sent.

        Args:
            size: The size of the point.
            measured: Whether a generated CSV has a Content-Length, for which it is made twice.
        """
        if self.kind == "json":
            content = self.text.replace(PLACE, str(size)).encode()
            return _headers("application/json", len(content)), iter([content])
        if self.kind == "file":
            path = self._path(size)
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            return _headers(kind, path.stat().st_size), _blocks(path)
        from lab.toolbox.upload_form import FORM

        length = sum(map(len, self._form(size))) if measured else None
        return _headers(FORM, length), self._form(size)

    def _path(self, size: int) -> Path:
        return Path(self.text.replace(PLACE, str(size)))

    def _form(self, size: int) -> Iterator[bytes]:
        from lab.data.files import users_blocks
        from lab.toolbox.upload_form import as_form

        whole = self.kind == "bytes"
        users = users_blocks(size) if whole else islice(users_blocks(1 << 62), size + 1)
        lines = as_form(users, field=self.text)
        return iter(lambda: b"".join(islice(lines, 700)), b"")


def _check_json(text: str) -> None:
    try:
        json.loads(text.replace(PLACE, "1"))
    except ValueError as error:
        raise LabError(f"{text!r} is not JSON with a number for {PLACE}: {error}.") from None


def _headers(kind: str, length: int | None) -> dict[str, str]:
    return {"Content-Type": kind, **({} if length is None else {"Content-Length": str(length)})}


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
