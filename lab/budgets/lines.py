"""Where the keys of a TOML file stand, which its parser does not say."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
"""A key under its tables, from the outermost in."""

_CLOSERS = ("]", "}", '"""', "'''")


class Lines:
    """The line of each key and table of a file that its parser has accepted.

    Args:
        text: The file.
    """

    def __init__(self, text: str) -> None:
        self._found: dict[Path, int] = {}
        table: Path = ()
        for line, statement in _statements(text):
            parsed = tomllib.loads(statement)
            header = statement.lstrip().startswith("[")
            paths = [path if header else table + path for path in _paths(parsed)]
            for path in paths:
                for length in range(1, len(path) + 1):
                    self._found.setdefault(path[:length], line)
            if header:
                table = max(paths, key=len)

    def of(self, path: Path) -> int:
        """Return the line of a key, or of the innermost table above it that has one, from 1."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                return self._found[path[:length]]
        return 1


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements, each with its first line: the fewest lines that parse by themselves."""
    statement, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begins = not statement
        if begins and line.strip()[:1] in ("", "#"):
            continue
        first = number if begins else first
        statement += line.removesuffix("\r") + "\n"
        # Most lines of a list close nothing, and parsing it anew for each would take a while.
        if (begins or any(closer in line for closer in _CLOSERS)) and _parses(statement):
            yield first, statement
            statement = ""


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _paths(parsed: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    for key, value in parsed.items():
        yield (*above, key)
        inner = value[0] if isinstance(value, list) and value == [{}] else value
        if isinstance(inner, dict):
            yield from _paths(inner, (*above, key))
