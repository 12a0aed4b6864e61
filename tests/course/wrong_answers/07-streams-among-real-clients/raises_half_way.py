# error in your code: line
"""Fail after some chunks."""


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    for number, chunk in enumerate(chunks):
        yield chunk
        number / (number // 2)
