"""What is said about uploads and files, and what springs when it is done."""

import csv
import io

from lab.client import request
from lab.csvstream import text_lines
from lab.multipart import FORM, as_form
from lab.server import running
from lab.traps import files, importing
from lab.traps.file_app import LIMIT
from lab.traps.held import peak
from lab.traps.trap import Sprung, Trap
from lab.units import show_bytes

_BODY = 8_000_000
_FILE = 4_000_000
_CHUNK_SIZES = range(1, 56)


def limits_come_too_late() -> Sprung:
    """A loop that stops at the limit stops after the whole upload has been received.

    An endpoint with an `UploadFile` is entered when the form has been parsed, and so when all of
    it is on disk. The client has waited, and the disk was filled, for a 413. Read
    ``request.stream()``, count, and close the connection at the byte that is too many.
    """
    with running("lab.traps.file_app:app") as server:
        said, right = (
            request(
                f"{server.url}/{way}/upload",
                "POST",
                {"Content-Type": FORM},
                as_form(bytes(65_536) for _ in range(0, _BODY, 65_536)),
            )
            for way in ("said", "right")
        )
    late, early = (int(one.headers["taken"]) for one in (said, right))
    return Sprung(
        wrong=f"{said.status} after {show_bytes(late)}, the limit being {show_bytes(LIMIT)}",
        right=f"{right.status} after {show_bytes(early)}",
        holds=said.status == right.status == 413 and late > _BODY and LIMIT < early < 2 * LIMIT,
    )


def joined_chunks_are_held_whole() -> Sprung:
    """An upload that is read in chunks and joined is held whole, and copied over and over.

    Each ``+=`` makes new bytes of all that came before and the chunk: the copying grows with the
    square of the file, and in the end everything is there as it would be after `read`. Use each
    chunk and let it go.
    """
    whole, joined, flat = (
        peak(way, _FILE) for way in ("read_whole", "join_chunks", "as_it_is_read")
    )
    copied = _copied(_FILE)
    return Sprung(
        wrong=f"{show_bytes(joined)} held for {show_bytes(_FILE)}, {show_bytes(copied)} copied",
        right=f"{show_bytes(flat)} held, nothing copied twice",
        holds=joined > 0.9 * whole and joined > _FILE > 4 * flat and copied > 10 * _FILE,
    )


def _copied(size: int) -> int:
    content, copied = b"", 0
    for _ in range(0, size, 65_536):
        before = content
        content += bytes(65_536)
        # Bytes never grow in place: what is there now is all new.
        copied += len(content) if content is not before else 65_536
    return copied


def small_files_cost_several_times_their_size() -> Sprung:
    """A CSV that is read whole costs several times its size, however small it is.

    It is there as bytes, as text, and once more in a `StringIO`, which takes four bytes for each
    character. A hundred clients with a file of 1 MB each add up. Decode and parse while reading.
    """
    size = 1_000_000
    whole, flat = (peak(way, size) for way in ("read_whole", "as_it_is_read"))
    return Sprung(
        wrong=f"{show_bytes(whole)} for {show_bytes(size)}",
        right=f"{show_bytes(flat)} as it is read",
        holds=whole > 4 * size and flat < size,
    )


def lines_without_end_are_held_whole() -> Sprung:
    """Reading line by line holds a line of any length, and a file may be one line.

    A line ends at a newline, and it is the client who decides where there is one. Bound the
    length of a line, and of a quoted record, and refuse what is longer.
    """
    held, bounded = (peak(way, _BODY, "one_line") for way in ("line_by_line", "bounded_lines"))
    return Sprung(
        wrong=f"{show_bytes(held)} for a line of {show_bytes(_BODY)}",
        right=f"{show_bytes(bounded)}, and the line is refused",
        holds=held > 2 * _BODY and bounded < 1_000_000,
    )


_TEXT = "email,name\r\nzoë@example.org,Zoë Łukasz 🐘\r\nbjörk@example.org,Björk\r\n"
_ROWS = list(csv.reader(io.StringIO(_TEXT, newline="")))


def chunks_cut_characters_in_two() -> Sprung:
    """Text that is decoded chunk by chunk is wrong where a chunk ends in a character or a row.

    A chunk ends after so many bytes, and what stands there is up to chance: most files work, and
    one does not. An incremental decoder keeps the half it has, and a reader of lines the half of
    a line.
    """
    content = _TEXT.encode()
    raised = wrong = wrong_when_kept = 0
    for size in _CHUNK_SIZES:
        chunks = [content[start : start + size] for start in range(0, len(content), size)]
        try:
            wrong += _rows_of_each(chunks) != _ROWS
        except UnicodeDecodeError:
            raised += 1
        wrong_when_kept += list(csv.reader(text_lines(chunks))) != _ROWS
    return Sprung(
        wrong=f"of {len(_CHUNK_SIZES)} sizes {raised} raise and {wrong} give other rows",
        right=f"{wrong_when_kept} wrong with a decoder that keeps halves",
        holds=raised > 0 and wrong > 0 and wrong_when_kept == 0,
    )


def _rows_of_each(chunks: list[bytes]) -> list[list[str]]:
    return [row for chunk in chunks for row in csv.reader(chunk.decode("utf-8").splitlines())]


def marks_stay_in_the_header() -> Sprung:
    """A file that a spreadsheet saved as UTF-8 has a first column of another name.

    It begins with a byte order mark. Decoded as ``utf-8`` the mark is part of the first cell, and
    no row has an email; ``utf-8-sig`` takes it away where there is one.
    """
    content = _TEXT.encode("utf-8-sig")
    kept, gone = (
        next(csv.reader(io.StringIO(content.decode(how))))[0] for how in ("utf-8", "utf-8-sig")
    )
    return Sprung(
        wrong=f"the first column is {kept!a}",
        right=f"the first column is {gone!a}",
        holds=(kept, gone) == ("\ufeffemail", "email"),
    )


UPLOAD_TRAPS: tuple[Trap, ...] = (
    Trap(limits_come_too_late, "The upload loop stops at the limit"),
    Trap(joined_chunks_are_held_whole, "Reading an upload in chunks is the correct way"),
    Trap(small_files_cost_several_times_their_size, "Reading a CSV of 1 MB costs about 1 MB"),
    Trap(lines_without_end_are_held_whole, "Line by line is a line at a time"),
    Trap(chunks_cut_characters_in_two, "Chunks can be decoded one by one"),
    Trap(marks_stay_in_the_header, "UTF-8 is decoded by utf-8"),
    Trap(importing.killed_imports_leave_rows, "Each row is imported by itself"),
    Trap(files.file_names_are_no_paths, "{filename} keeps slashes out, so it is a safe path"),
    Trap(files.open_files_yield_lines, "An open file streams in chunks"),
)
