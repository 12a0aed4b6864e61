"""A CSV that a student has not seen, as a client sends it: in pieces that are cut anywhere.

It has what real files have: a byte order mark or none, columns in another order, letters of several
bytes, and cells with commas, quotes and line ends in them.
"""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import permutations
from random import Random

_MARK = "\N{BYTE ORDER MARK}"
_MARKED = 4_000
"""A file of fewer rows has a mark; after so many it has none, and after as many more it has."""

_COLUMNS = tuple(permutations(("email", "name", "age")))
_FIRST = ("Zoë", "Łukasz", "Björn", "Élodie", "José", "Ngọc", "Дмитрий", "百合子")
_LAST = ("Åström", "Nguyễn", "Иванова", "Müller", "渡辺", "Weiß", "Žižek", "Smith", "🐘")
_NAMES = ("{} {}", "{} {}", "{} {}", "{} {}", "{}, {}", '{} "{}" Lee', "{}\n{}")
_ADDRESSES = (
    *("user.{}@example.com",) * 15,
    "user.{} at example.com",
    "@user.{}.example.com",
    "user.{}@",
    "user.{}@example@com",
)
_WRONG_AGES = ("", "-1", "151", "unknown", "12.5")

_LENGTHS = (8, 64, 1_024)
_ENOUGH = 4_096


@contextmanager
def unseen_users(rows: int, salt: int) -> Iterator[Iterator[bytes]]:
    """Yield the pieces of a CSV of so many users, some of whom are not valid."""
    yield _pieces(_body(rows, salt), salt)


def _body(rows: int, salt: int) -> Iterator[bytes]:
    """Yield the CSV, some rows at a time."""
    columns = (*_COLUMNS[salt % len(_COLUMNS)], "city")
    buffer = StringIO()
    buffer.write("" if rows // _MARKED % 2 else _MARK)
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    for number in range(rows):
        writer.writerow(_user(number * 31 + salt))
        if buffer.tell() > _ENOUGH:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _user(noise: int) -> dict[str, str]:
    """Make a user of a number; no two of the lists have lengths with a common divisor."""
    first, last = _FIRST[noise % 8], _LAST[noise % 9]
    return {
        "email": _ADDRESSES[noise % 19].format(noise),
        "name": _NAMES[noise % 7].format(first, last),
        "age": str(noise % 151) if noise % 13 else _WRONG_AGES[noise // 13 % 5],
        "city": last,
    }


def _pieces(body: Iterable[bytes], salt: int) -> Iterator[bytes]:
    """Cut bytes into pieces, many of them shorter than a row, and some than a character."""
    chance = Random(salt)  # noqa: S311 - lengths, not secrets
    held = b""
    for part in body:
        held += part
        start = 0
        while len(held) - start > max(_LENGTHS):
            end = start + chance.randrange(1, chance.choice(_LENGTHS))
            yield held[start:end]
            start = end
        held = held[start:]
    yield held
