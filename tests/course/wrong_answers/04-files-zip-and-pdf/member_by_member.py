# grows, out of memory
"""Send the archive while it is made, of members that are whole."""

import hashlib
from io import BytesIO, RawIOBase
from zipfile import ZIP_DEFLATED, ZipFile


class Sent(RawIOBase):
    def __init__(self):
        self.buffer = BytesIO()

    def write(self, data):
        return self.buffer.write(data)

    def take(self):
        taken, self.buffer = self.buffer.getvalue(), BytesIO()
        return taken


def archive(members):
    sent, sums = Sent(), []
    with ZipFile(sent, "w", ZIP_DEFLATED) as zipped:
        for name, blocks in members:
            content = b"".join(blocks)
            zipped.writestr(name, content)
            sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
            yield sent.take()
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield sent.take()
