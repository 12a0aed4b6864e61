# grows, out of memory
"""Have another thread keep every number."""

from queue import SimpleQueue
from threading import Thread


def answer(numbers):
    kept = SimpleQueue()

    def keep():
        try:
            for number in numbers:
                kept.put(number)
        finally:
            kept.put(None)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    yield from right(iter(kept.get, None))
