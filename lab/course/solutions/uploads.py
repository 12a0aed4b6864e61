"""Yield the valid users of a CSV while its chunks arrive."""

import codecs
import csv
from collections.abc import Iterable, Iterator

LONGEST = 65_536
"""Characters in a line; without a limit, a file without a line end would fill the memory."""


def valid_users(chunks: Iterable[bytes]) -> Iterator[tuple[str, str, int]]:
    """Yield email, name and age of each valid row, and skip the others."""
    for row in csv.DictReader(lines(chunks)):
        if is_address(row["email"]) and is_age(row["age"]):
            yield row["email"], row["name"], int(row["age"])


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield each line with its end, keeping an incomplete character or line for the next chunk.

    Raises:
        ValueError: A line is longer than `LONGEST`.
    """
    rest = ""
    for text in codecs.iterdecode(chunks, "utf-8-sig"):
        *whole, rest = (rest + text).split("\n")
        if len(rest) > LONGEST:
            raise ValueError(f"a line is longer than {LONGEST:,} characters")
        for line in whole:
            yield line + "\n"
    if rest:
        yield rest


def is_address(text: str) -> bool:
    """Tell whether a text has exactly one @, with something on both sides of it."""
    parts = text.split("@")
    return len(parts) == 2 and all(parts)


def is_age(text: str) -> bool:
    """Tell whether a text is a whole number from 0 to 150."""
    return len(text) <= 3 and text.isdecimal() and int(text) <= 150
