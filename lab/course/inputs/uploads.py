"""A CSV that a student has not seen, in chunks that are cut anywhere, as a client sends it.

It varies as real files do: with or without a byte order mark, columns in any order, characters of
several bytes, and cells that contain commas, quotes and line ends.
"""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import permutations
from random import Random

_MARK = "\N{BYTE ORDER MARK}"
_MARK_PERIOD = 4_000
"""Rows. Files below this size have a mark, files up to twice the size have none, and so on."""

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
_FLUSH_SIZE = 4_096


@contextmanager
def unseen_users(rows: int, salt: int) -> Iterator[Iterator[bytes]]:
    """Yield the chunks of a CSV with ``rows`` users, some of which are not valid."""
    yield _chunks(_body(rows, salt), salt)


def _body(rows: int, salt: int) -> Iterator[bytes]:
    """Yield the CSV in UTF-8, about 4 KiB at a time."""
    columns = (*_COLUMNS[salt % len(_COLUMNS)], "city")
    buffer = StringIO()
    buffer.write("" if rows // _MARK_PERIOD % 2 else _MARK)
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    for number in range(rows):
        writer.writerow(_user(number * 31 + salt))
        if buffer.tell() > _FLUSH_SIZE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _user(noise: int) -> dict[str, str]:
    """Make a user from a number; the lengths of the lists have no common divisor."""
    first, last = _FIRST[noise % 8], _LAST[noise % 9]
    return {
        "email": _ADDRESSES[noise % 19].format(noise),
        "name": _NAMES[noise % 7].format(first, last),
        "age": str(noise % 151) if noise % 13 else _WRONG_AGES[noise // 13 % 5],
        "city": last,
    }


def _chunks(body: Iterable[bytes], salt: int) -> Iterator[bytes]:
    """Cut bytes into chunks, many of them shorter than a row, and some than a character."""
    generator = Random(salt)  # noqa: S311 - lengths, not secrets
    rest = b""
    for part in body:
        rest += part
        start = 0
        while len(rest) - start > max(_LENGTHS):
            end = start + generator.randrange(1, generator.choice(_LENGTHS))
            yield rest[start:end]
            start = end
        rest = rest[start:]
    yield rest
