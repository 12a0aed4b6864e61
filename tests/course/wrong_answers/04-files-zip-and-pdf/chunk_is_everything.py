# grows, out of memory
"""Write block by block, and send what has come together when all is written."""

import hashlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile


def archive(members):
    buffer, sums = BytesIO(), []
    with ZipFile(buffer, "w", ZIP_DEFLATED) as zipped:
        for name, blocks in members:
            checksum = hashlib.sha256()
            with zipped.open(name, "w") as member:
                for block in blocks:
                    checksum.update(block)
                    member.write(block)
            sums.append(f"{checksum.hexdigest()}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield buffer.getvalue()
