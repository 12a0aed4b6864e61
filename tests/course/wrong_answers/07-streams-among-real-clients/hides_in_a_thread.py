# grows, out of memory
"""Have another thread keep everything."""

from queue import SimpleQueue
from threading import Thread


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    kept = SimpleQueue()
    kept.put(next(chunks))

    def keep():
        try:
            for chunk in chunks:
                kept.put(chunk)
        finally:
            kept.put(None)

    thread = Thread(target=keep)
    thread.start()
    thread.join()
    while (chunk := kept.get()) is not None:
        yield chunk
