"""Traps about uploads: limits, memory, and text in chunks."""

import csv
import io

from lab.net.client import request
from lab.net.server import running
from lab.toolbox.csv_stream import text_lines
from lab.toolbox.upload_form import FORM, as_form
from lab.traps.apps.file_app import LIMIT
from lab.traps.trap import Demonstration
from lab.traps.upload_readers import peak
from lab.units import show_bytes

_BODY = 8_000_000
_FILE = 4_000_000
_CHUNK_SIZES = range(1, 56)


def limits_come_too_late() -> Demonstration:
    """A loop that stops at the limit stops only after the whole upload was received.

    An endpoint with an `UploadFile` is called after the form was parsed, when the whole file is
    on disk. The client waited, and the disk was filled, only for a 413. Read
    ``request.stream()``, count the bytes, and close the connection when they exceed the limit.
    """
    with running("lab.traps.apps.file_app:app") as server:
        wrong, right = (
            request(
                f"{server.url}/{way}/upload",
                "POST",
                {"Content-Type": FORM},
                as_form(bytes(65_536) for _ in range(0, _BODY, 65_536)),
            )
            for way in ("wrong", "right")
        )
    late, early = (int(response.headers["body-bytes"]) for response in (wrong, right))
    return Demonstration(
        wrong=f"{wrong.status} after {show_bytes(late)} with a limit of {show_bytes(LIMIT)}",
        right=f"{right.status} after {show_bytes(early)}",
        holds=wrong.status == right.status == 413 and late > _BODY and LIMIT < early < 2 * LIMIT,
    )


def joined_chunks_are_held_whole() -> Demonstration:
    """Joining the chunks of an upload keeps all of it in memory and copies it repeatedly.

    Each ``+=`` copies all earlier bytes and the new chunk, so the bytes copied grow with the
    square of the file, and at the end the whole file is in memory, as after `read`. Use each
    chunk and release it.
    """
    whole, joined, flat = (
        peak(way, _FILE) for way in ("read_whole", "join_chunks", "as_it_is_read")
    )
    copied = _copied(_FILE)
    return Demonstration(
        wrong=f"{show_bytes(joined)} of heap for {show_bytes(_FILE)}, {show_bytes(copied)} copied",
        right=f"{show_bytes(flat)} of heap, nothing copied twice",
        holds=joined > 0.9 * whole and joined > _FILE > 4 * flat and copied > 10 * _FILE,
    )


def _copied(size: int) -> int:
    content, copied = b"", 0
    for _ in range(0, size, 65_536):
        before = content
        content += bytes(65_536)
        # `bytes` cannot grow in place: a new object is a copy of everything.
        copied += len(content) if content is not before else 65_536
    return copied


def small_files_cost_several_times_their_size() -> Demonstration:
    """A CSV that is read whole needs several times its size in memory, even if it is small.

    It exists as bytes, as text, and again in a `StringIO`, which takes four bytes for each
    character. A hundred clients with 1 MB each add up. Decode and parse while reading.
    """
    size = 1_000_000
    whole, flat = (peak(way, size) for way in ("read_whole", "as_it_is_read"))
    return Demonstration(
        wrong=f"{show_bytes(whole)} for {show_bytes(size)}",
        right=f"{show_bytes(flat)} when parsed while reading",
        holds=whole > 4 * size and flat < size,
    )


def lines_without_end_are_held_whole() -> Demonstration:
    """Reading line by line loads a line of any length, and a file may be one line.

    A line ends at a newline, and the client decides where the newlines are. Limit the length of a
    line, and of a quoted record, and refuse anything longer.
    """
    unbounded, bounded = (peak(way, _BODY, "one_line") for way in ("line_by_line", "bounded_lines"))
    return Demonstration(
        wrong=f"{show_bytes(unbounded)} for a line of {show_bytes(_BODY)}",
        right=f"{show_bytes(bounded)}, and the line is refused",
        holds=unbounded > 2 * _BODY and bounded < 1_000_000,
    )


_TEXT = "email,name\r\nzoë@example.org,Zoë Łukasz 🐘\r\nbjörk@example.org,Björk\r\n"
_ROWS = list(csv.reader(io.StringIO(_TEXT, newline="")))


def chunks_cut_characters_in_two() -> Demonstration:
    """Text decoded chunk by chunk is wrong where a chunk ends inside a character or a row.

    A chunk ends after a fixed number of bytes, wherever that is in the text: most files work, and
    one does not. An incremental decoder keeps an incomplete character for the next chunk, and a
    line reader keeps an incomplete line.
    """
    content = _TEXT.encode()
    raised = wrong = wrong_incremental = 0
    for size in _CHUNK_SIZES:
        chunks = [content[start : start + size] for start in range(0, len(content), size)]
        try:
            wrong += _rows_of_each(chunks) != _ROWS
        except UnicodeDecodeError:
            raised += 1
        wrong_incremental += list(csv.reader(text_lines(chunks))) != _ROWS
    return Demonstration(
        wrong=f"of {len(_CHUNK_SIZES)} chunk sizes {raised} raise and {wrong} give wrong rows",
        right=f"{wrong_incremental} wrong with an incremental decoder",
        holds=raised > 0 and wrong > 0 and wrong_incremental == 0,
    )


def _rows_of_each(chunks: list[bytes]) -> list[list[str]]:
    return [row for chunk in chunks for row in csv.reader(chunk.decode("utf-8").splitlines())]


def marks_stay_in_the_header() -> Demonstration:
    """The first column of a UTF-8 file saved by a spreadsheet has a wrong name.

    The file begins with a byte order mark. Decoded as ``utf-8``, the mark becomes part of the
    first cell, and no row has an email. ``utf-8-sig`` removes the mark if there is one.
    """
    content = _TEXT.encode("utf-8-sig")
    kept, removed = (
        next(csv.reader(io.StringIO(content.decode(encoding))))[0]
        for encoding in ("utf-8", "utf-8-sig")
    )
    return Demonstration(
        wrong=f"the first column is {kept!a}",
        right=f"the first column is {removed!a}",
        holds=(kept, removed) == ("\ufeffemail", "email"),
    )
