"""Line numbers of the keys of a TOML file, which `tomllib` does not give."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

KeyPath = tuple[str, ...]
"""A key with the tables around it, the outermost first."""

_CLOSING = ("]", "}", '"""', "'''")


class KeyLines:
    """The line of each key and table of a valid TOML file.

    Args:
        text: The contents of the file.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        table: KeyPath = ()
        for line, statement in _statements(text):
            parsed = tomllib.loads(statement)
            header = statement.lstrip().startswith("[")
            paths = [path if header else table + path for path in _paths(parsed)]
            for path in paths:
                for length in range(1, len(path) + 1):
                    self._lines.setdefault(path[:length], line)
            if header:
                table = max(paths, key=len)

    def of(self, path: KeyPath) -> int:
        """Return the line of a key, from 1; if the key is missing, that of its innermost table."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement: the number of its first line, and the fewest lines that parse alone."""
    statement, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begins = not statement
        if begins and line.strip()[:1] in ("", "#"):
            continue
        first = number if begins else first
        statement += line.removesuffix("\r") + "\n"
        # Parsing after each line of a long list would take quadratic time.
        if (begins or any(mark in line for mark in _CLOSING)) and _parses(statement):
            yield first, statement
            statement = ""


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _paths(parsed: Mapping[str, Any], above: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in parsed.items():
        yield (*above, key)
        inner = value[0] if isinstance(value, list) and value == [{}] else value
        if isinstance(inner, dict):
            yield from _paths(inner, (*above, key))
