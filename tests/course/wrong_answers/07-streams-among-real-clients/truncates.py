# wrong answer
"""Stop when what has come would do for a small test."""


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    sent = 0
    for chunk in chunks:
        yield chunk
        sent += len(chunk)
        if sent > 300_000:
            return
