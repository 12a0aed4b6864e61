"""Multipart bodies a chunk at a time: the file in them, without ever holding the body.

python-multipart's parser is pushed: it is given chunks, and calls back with what it finds. Here it
is turned around: `file_part` is asked for the file's bytes, and asks for chunks of the body. The
file's name is looked at and never used as a path.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from lab.units import show_bytes

BOUNDARY = "----memory-lab"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
"""The content type of what `as_form` makes."""


class RefusedError(Exception):
    """An upload is not taken, for a reason that one sentence tells; nothing of it is kept.

    Attributes:
        status: The HTTP status that fits.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Upload:
    """A request with a body that has not been read yet.

    Attributes:
        chunks: The body; asking for a chunk reads it from the network.
        content_type: The header of that name.
        length: Bytes of the body, where the client declares them; it may be wrong.
    """

    chunks: Iterator[bytes]
    content_type: str
    length: int | None = None


def too_large(limit: int) -> RefusedError:
    """Return the refusal of an upload above a limit of so many bytes."""
    return RefusedError(413, f"the upload is larger than the limit of {show_bytes(limit)}")


def limited(upload: Upload, limit: int) -> Iterator[bytes]:
    """Yield the chunks of a body, as far as the limit goes.

    Raises:
        RefusedError: More was announced, and nothing was read; or more has come.
    """
    if upload.length is not None and upload.length > limit:
        raise too_large(limit)
    taken = 0
    for chunk in upload.chunks:
        taken += len(chunk)
        if taken > limit:
            raise too_large(limit)
        yield chunk


def file_part(chunks: Iterable[bytes], content_type: str) -> Iterator[bytes]:
    """Yield the content of a form's one part called ``file``, piece by piece; skip other parts.

    A piece is as large as the chunk of the body that it came in.

    Raises:
        RefusedError: The body is no form, is broken or cut off, has no such part or two of them,
            or its file is not named ``.csv``.
    """
    found = _Part("file")
    # Up to python-multipart 0.0.33, parsers that are given no callbacks share those of the latest.
    parser = MultipartParser(_boundary(content_type), callbacks={})
    for event, callback in found.callbacks().items():
        parser.set_callback(event, callback)  # type: ignore[arg-type]
    for chunk in chunks:
        try:
            parser.write(chunk)
        except FormParserError:
            raise RefusedError(422, "the body is not well-formed multipart/form-data") from None
        yield from found.take()
    if not found.ended:
        raise RefusedError(422, "the body ends before its closing boundary")
    if not found.seen:
        raise RefusedError(422, "the form has no file: send the CSV as its part named file")


def csv_file(chunks: Iterable[bytes], content_type: str) -> Iterator[bytes]:
    """Yield the content of a CSV that is the body itself, ``text/csv``, or a form's `file_part`.

    Raises:
        RefusedError: As `file_part`; or the body says that it is not in UTF-8.
    """
    kind, options = parse_options_header(content_type)
    if kind.lower() != b"text/csv":
        return file_part(chunks, content_type)
    if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise RefusedError(415, "send the CSV in UTF-8")
    return iter(chunks)


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind.lower() != b"multipart/form-data":
        raise RefusedError(415, "send the CSV as multipart/form-data, in a part named file")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise RefusedError(422, "multipart/form-data needs a boundary of 1 to 70 characters")
    return boundary


class _Part:
    """What the parser calls back: keeps the bytes of one part until they are taken."""

    def __init__(self, name: str) -> None:
        self.seen = self.ended = False
        self._name = name.encode()
        self._wanted = False
        self._pieces: list[bytes] = []
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition = b""

    def callbacks(self) -> dict[str, object]:
        """Return the parser's events and what to do at each."""
        return {
            "part_begin": self._begin,
            "header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "header_end": self._keep_header,
            "headers_finished": self._look,
            "part_data": self._keep_data,
            "end": self._end,
        }

    def take(self) -> list[bytes]:
        """Return what has come since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def _begin(self) -> None:
        self._wanted, self._disposition = False, b""

    def _keep_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _look(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._wanted = options.get(b"name") == self._name and b"filename" in options
        if not self._wanted:
            return
        if self.seen:
            raise RefusedError(422, "the form has two files: send one in a request")
        self.seen = True
        if not options[b"filename"].lower().endswith(b".csv"):
            raise RefusedError(415, "only CSV files are taken: the file's name must end in .csv")

    def _keep_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._pieces.append(data[start:end])

    def _end(self) -> None:
        self.ended = True


def as_form(
    pieces: Iterable[bytes], filename: str = "users.csv", field: str = "file"
) -> Iterator[bytes]:
    """Wrap a file into the form that a browser would send, a piece at a time."""
    disposition = f'form-data; name="{_quoted(field)}"; filename="{_quoted(filename)}"'
    yield (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: text/csv\r\n\r\n"
    ).encode()
    yield from pieces
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def _quoted(name: str) -> str:
    """Write what would end the header or the quotes as its code, as browsers do."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
