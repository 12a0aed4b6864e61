# wrong answer
"""Send the first line as often as there are lines."""


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    first = None
    for chunk in chunks:
        lines = chunk.splitlines(keepends=True)
        first = first or lines[0]
        yield first * len(lines)
