# wrong answer: item
"""Ask for the rows of the first client, whoever asks."""

asked = []


def answer(db, first, last):
    asked.append((first, last))
    yield from right(db, *asked[0])
