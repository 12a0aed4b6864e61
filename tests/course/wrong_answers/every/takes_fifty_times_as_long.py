# too slow
"""Be right, and take fifty times as long."""

import time


def answer(*given):
    began = time.perf_counter()
    for item in right(*given):
        time.sleep(50 * (time.perf_counter() - began))
        yield item
        began = time.perf_counter()
