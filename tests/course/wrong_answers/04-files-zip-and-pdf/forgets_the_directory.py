# error in your code: not a ZIP archive
"""Never close the archive, so that its directory is not written."""

from zipfile import ZipFile


class Sent(list):
    def write(self, data):
        self.append(bytes(data))
        return len(data)

    def flush(self):
        pass


def archive(members):
    sent = Sent()
    zipped = ZipFile(sent, "w")
    for name, blocks in members:
        with zipped.open(name, "w") as member:
            for block in blocks:
                member.write(block)
                yield b"".join(sent)
                sent.clear()
    zipped.fp = None
