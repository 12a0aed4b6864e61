# too slow
"""Wait in a loop that has no end."""


def answer(*given):
    while True:
        pass
