# error in your code: line
"""Fail after some items."""


def answer(*given):
    for number, item in enumerate(right(*given)):
        yield item
        number / (number // 2)
