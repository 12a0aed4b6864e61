# grows, out of memory
"""Have another thread keep everything."""

from queue import SimpleQueue
from threading import Thread


def answer(*given):
    kept = SimpleQueue()

    def keep():
        try:
            for item in right(*given):
                kept.put((item,))
        finally:
            kept.put(None)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    while (entry := kept.get()) is not None:
        yield entry[0]
