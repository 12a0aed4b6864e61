# wrong answer: SHA256SUMS
"""Take the checksum of blocks that have been read already."""

import hashlib
from zipfile import ZIP_DEFLATED, ZipFile


class Sent(list):
    def write(self, data):
        self.append(bytes(data))
        return len(data)

    def flush(self):
        pass


def archive(members):
    sent, sums = Sent(), []
    with ZipFile(sent, "w", ZIP_DEFLATED) as zipped:
        for name, blocks in members:
            with zipped.open(name, "w", force_zip64=True) as member:
                for block in blocks:
                    member.write(block)
                    yield b"".join(sent)
                    sent.clear()
            checksum = hashlib.sha256(b"".join(blocks))
            sums.append(f"{checksum.hexdigest()}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield b"".join(sent)
