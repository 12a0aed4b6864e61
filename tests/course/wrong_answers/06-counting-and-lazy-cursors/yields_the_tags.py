# error in your code: generator
"""Yield pairs, where a list was asked for."""


def top_tags(db):
    yield "topic-0", 1
