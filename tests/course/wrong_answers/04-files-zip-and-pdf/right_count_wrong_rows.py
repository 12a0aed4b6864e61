# wrong answer
"""Make a right archive of as many members with as many bytes, which are other ones."""

from io import BytesIO
from zipfile import ZipFile


def archive(members):
    buffer = BytesIO()
    with ZipFile(buffer, "w") as zipped:
        for name, blocks in members:
            zipped.writestr(name, bytes(sum(map(len, blocks))))
        zipped.writestr("SHA256SUMS", "")
    yield buffer.getvalue()
