# grows, out of memory
"""Join all chunks into one."""


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    yield "".join(chunks)
