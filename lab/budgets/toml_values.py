"""A table of a file of budgets: values of the right type, and errors with file and line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any

from lab.budgets.toml_key_lines import KeyLines, KeyPath
from lab.errors import LabError, nearest
from lab.units import increasing, parse_bytes, parse_sizes

_SHOWN = 40
"""Characters of a wrong value that an error shows."""


class _LocatedError(LabError):
    """An error whose message has its file and line already."""


class TomlValues:
    """One table of a TOML file.

    Args:
        file: Path of the file, as the command names it.
        lines: The lines of the keys of the file.
        path: The names of the table and the tables around it, the outermost first.
        values: The contents of the table.
        label: The name of the table in errors; empty for the file itself.
    """

    def __init__(
        self, file: str, lines: KeyLines, path: KeyPath, values: Mapping[str, Any], label: str = ""
    ) -> None:
        self.file = file
        self.values = values
        self._lines = lines
        self._path = path
        self._label = label

    def __contains__(self, key: str) -> bool:
        return key in self.values

    @property
    def line(self) -> int:
        """The line on which the table begins, from 1."""
        return self._lines.of(self._path)

    def inner(self, key: str, label: str) -> "TomlValues":
        """Return a table inside this one.

        Raises:
            LabError: The value is not a table.
        """
        values = self.values[key]
        if not isinstance(values, dict):
            header = ".".join((*self._path, key))
            raise self.error(
                f"{_shown(values)} is not a table: write [{header}] above its keys", key
            )
        return TomlValues(self.file, self._lines, (*self._path, key), values, label)

    def error(self, sentence: str, key: str = "") -> LabError:
        """Return an error whose message begins with file, line, table and key."""
        place = f"{self.file}:{self._lines.of((*self._path, key) if key else self._path)}"
        what = ", ".join(part for part in (self._label, key) if part)
        return _LocatedError(f"{place}: {what}: {sentence}" if what else f"{place}: {sentence}")

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """Add file, line, table and this key to an error inside the block."""
        try:
            yield
        except _LocatedError:
            raise
        except LabError as error:
            raise self.error(str(error), key) from None

    def only(self, known: Iterable[str]) -> None:
        """Check that the table has only known keys.

        Raises:
            LabError: A key is unknown; the message has the nearest known one.
        """
        keys = sorted(known)
        for key in self.values:
            if key not in keys:
                raise self._unknown(key, keys)

    def _unknown(self, key: str, keys: list[str]) -> LabError:
        place = f"{self.file}:{self._lines.of((*self._path, key))}"
        table = f"{self._label}: " if self._label else ""
        return LabError(f"{place}: {table}unknown key {key!r}: {nearest(key, keys)}")

    def text(self, key: str, default: str = "") -> str:
        """Return a string that is not empty, or the default if the key is missing."""
        value = self.values.get(key, default)
        if key in self and not (isinstance(value, str) and value.strip()):
            raise self.error(f"write a string in quotes, not {_shown(value)}", key)
        return str(value)

    def one_of(self, key: str, words: tuple[str, ...], default: str = "") -> str:
        """Return a string that must be one of several words."""
        value = self.text(key, default)
        if key in self and value not in words:
            raise self.error(f"unknown value {value!r}: {nearest(value, list(words))}", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; an empty one if the key is missing."""
        value = self.values.get(key, [])
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise self.error(f"write a list of strings, not {_shown(value)}", key)
        return tuple(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false, or the default if the key is missing."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.error(f"write true or false, not {_shown(value)}", key)
        return value

    def count(self, key: str, default: int) -> int:
        """Return a whole number from 1 up."""
        value = self.values.get(key, default)
        if not _is_whole(value) or value < 1:
            raise self.error(f"write a whole number from 1 up, not {_shown(value)}", key)
        return int(value)

    def seconds(self, key: str, default: float) -> float:
        """Return a number of seconds above 0."""
        value = self.values.get(key, default)
        number = _is_whole(value) or (isinstance(value, float) and isfinite(value))
        if not number or value <= 0:
            raise self.error(f"write a number of seconds, not {_shown(value)}", key)
        return float(value)

    def amount(self, key: str) -> int | None:
        """Return an amount of memory in bytes, or None if the key is missing."""
        if key not in self:
            return None
        value = self.values[key]
        if isinstance(value, str):
            with self.at(key):
                value = parse_bytes(value)
        if not _is_whole(value) or value < 1:
            shown = _shown(self.values[key])
            raise self.error(f'write an amount such as "2 MiB" or 65536, not {shown}', key)
        return int(value)

    def sizes(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return increasing sizes, from a string such as ``8000..128000``, a list or a number."""
        value = self.values.get(key, list(default))
        with self.at(key):
            if isinstance(value, str):
                return parse_sizes(value)
            sizes = value if isinstance(value, list) else [value]
            if not (sizes and all(_is_whole(size) for size in sizes)):
                raise LabError(
                    f'write "8000..128000", a list of whole numbers or one, not {_shown(value)}'
                )
            return increasing(tuple(sizes))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
