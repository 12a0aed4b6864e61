# grows: files
"""Write everything to a temporary file, and read that."""

import pickle
from tempfile import TemporaryFile


def answer(*given):
    with TemporaryFile() as file:
        for item in right(*given):
            pickle.dump(item if isinstance(item, str | bytes | int) else tuple(item), file)
        file.seek(0)
        try:
            while True:
                yield pickle.load(file)
        except EOFError:
            pass
