# grows, out of memory
"""Look like a stream, and have everything in a list."""


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    everything = list(chunks)
    yield from everything
