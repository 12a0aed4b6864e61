"""The file in a multipart body, read a chunk at a time; the body is never kept whole.

python-multipart's parser takes chunks and reports events through callbacks. `file_part` turns this
into a generator: it yields the file's bytes, and reads chunks of the body as it needs them. The
file's name is checked, and never used as a path.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from lab.toolbox.refused_error import RefusedError


@dataclass(frozen=True)
class Upload:
    """A request whose body has not been read yet.

    Attributes:
        chunks: The body; the next chunk is read from the network when it is needed.
        content_type: The header ``Content-Type``.
        length: The header ``Content-Length``, bytes, or None; it may be wrong.
    """

    chunks: Iterator[bytes]
    content_type: str
    length: int | None = None


def too_large(limit: int) -> RefusedError:
    """Return the error for an upload above a limit in bytes."""
    return RefusedError(413, f"the upload is larger than the limit of {limit:,} bytes")


def limited(upload: Upload, limit: int) -> Iterator[bytes]:
    """Yield the chunks of a body of at most `limit` bytes.

    Raises:
        RefusedError: The declared length is above the limit, and nothing was read; or more bytes
            arrived.
    """
    if upload.length is not None and upload.length > limit:
        raise too_large(limit)
    received = 0
    for chunk in upload.chunks:
        received += len(chunk)
        if received > limit:
            raise too_large(limit)
        yield chunk


def file_part(chunks: Iterable[bytes], content_type: str) -> Iterator[bytes]:
    """Yield the content of a form's one part named ``file`` in pieces; skip the other parts.

    A piece is no larger than the chunk of the body that it arrived in.

    Raises:
        RefusedError: The body is not a form, is malformed or cut off, has no such part or two, or
            the file is not named ``.csv``.
    """
    part = _Part("file")
    # Up to python-multipart 0.0.33, parsers without callbacks share those of the latest parser.
    parser = MultipartParser(_boundary(content_type), callbacks={})
    for event, callback in part.callbacks().items():
        parser.set_callback(event, callback)  # type: ignore[arg-type]
    for chunk in chunks:
        try:
            parser.write(chunk)
        except FormParserError:
            raise RefusedError(422, "the body is not well-formed multipart/form-data") from None
        yield from part.take()
    if not part.ended:
        raise RefusedError(422, "the body ends before its closing boundary")
    if not part.found:
        raise RefusedError(422, "the form has no file: send the CSV as its part named file")


def csv_file(chunks: Iterable[bytes], content_type: str) -> Iterator[bytes]:
    """Yield the content of a CSV that is the whole body, ``text/csv``, or a form's `file_part`.

    Raises:
        RefusedError: As `file_part`; or the content type names another charset than UTF-8.
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
    """The parser's callbacks; they collect the bytes of one part until `take` returns them.

    Attributes:
        found: Whether the form has the part.
        ended: Whether the closing boundary has arrived.
    """

    def __init__(self, name: str) -> None:
        self.found = self.ended = False
        self._name = name.encode()
        self._wanted = False
        self._pieces: list[bytes] = []
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._disposition = b""

    def callbacks(self) -> dict[str, object]:
        """Return the callback for each of the parser's events."""
        return {
            "part_begin": self._begin,
            "header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "header_end": self._keep_header,
            "headers_finished": self._choose,
            "part_data": self._keep_data,
            "end": self._end,
        }

    def take(self) -> list[bytes]:
        """Return the bytes that have arrived since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def _begin(self) -> None:
        self._wanted, self._disposition = False, b""

    def _keep_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _choose(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._wanted = options.get(b"name") == self._name and b"filename" in options
        if not self._wanted:
            return
        if self.found:
            raise RefusedError(422, "the form has two files: send one in a request")
        self.found = True
        if not options[b"filename"].lower().endswith(b".csv"):
            raise RefusedError(415, "only CSV files are accepted: the file's name must end in .csv")

    def _keep_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._pieces.append(data[start:end])

    def _end(self) -> None:
        self.ended = True
