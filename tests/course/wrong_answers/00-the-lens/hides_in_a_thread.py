# grows, out of memory
"""Have another thread keep every number."""

from queue import SimpleQueue
from threading import Thread


def answer(numbers):
    kept = SimpleQueue()

    def keep():
        for number in numbers:
            kept.put(number)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    yield from right(kept.get() for _ in range(kept.qsize()))
