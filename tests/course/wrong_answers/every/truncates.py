# wrong answer
"""Stop when what has come would do for a small test."""


def answer(*given):
    sent = 0
    for item in right(*given):
        yield item
        sent += len(item) if isinstance(item, str | bytes) else 50
        if sent > 300_000:
            return
