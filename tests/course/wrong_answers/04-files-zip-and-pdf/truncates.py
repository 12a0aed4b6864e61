# wrong answer
"""Send the first blocks of each member, which is all of a small one."""

import hashlib
from itertools import islice
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
            checksum = hashlib.sha256()
            with zipped.open(name, "w", force_zip64=True) as member:
                for block in islice(blocks, 8):
                    checksum.update(block)
                    member.write(block)
                    yield b"".join(sent)
                    sent.clear()
            sums.append(f"{checksum.hexdigest()}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield b"".join(sent)
