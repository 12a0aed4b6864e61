# grows, out of memory
"""Have another thread keep everything."""

from queue import SimpleQueue
from threading import Thread


def answer(*given):
    kept = SimpleQueue()

    def keep():
        for item in right(*given):
            kept.put(item)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    while not kept.empty():
        yield kept.get()
