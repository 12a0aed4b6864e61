# out of memory
"""Build the whole archive in memory, of members that are whole."""

import hashlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile


def archive(members):
    buffer, sums = BytesIO(), []
    with ZipFile(buffer, "w", ZIP_DEFLATED) as zipped:
        for name, blocks in members:
            content = b"".join(blocks)
            zipped.writestr(name, content)
            sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield buffer.getvalue()
