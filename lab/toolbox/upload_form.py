"""The form with a file that a browser would send, for clients of an upload."""

from collections.abc import Iterable, Iterator

BOUNDARY = "----memory-lab"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
"""The content type of the body that `as_form` makes."""


def as_form(
    pieces: Iterable[bytes], filename: str = "users.csv", field: str = "file"
) -> Iterator[bytes]:
    """Yield the form that a browser would send for a file, a piece at a time."""
    disposition = f'form-data; name="{_quoted(field)}"; filename="{_quoted(filename)}"'
    yield (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: text/csv\r\n\r\n"
    ).encode()
    yield from pieces
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def _quoted(name: str) -> str:
    """Percent-encode the characters that would end the quotes or the header, as browsers do."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
