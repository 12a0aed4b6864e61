# out of memory
"""Take what there is, and go on trying when there is no more."""


def answer(*given):
    kept = []
    while True:
        try:
            kept.append(bytes(100_000))
        except MemoryError:
            pass
