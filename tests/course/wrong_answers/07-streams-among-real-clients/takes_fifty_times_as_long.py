# too slow
"""Be right, and take fifty times as long."""

import time


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    began = time.perf_counter()
    for chunk in chunks:
        time.sleep(50 * (time.perf_counter() - began))
        yield chunk
        began = time.perf_counter()
