# wrong answer: items instead of
"""Yield what is left also where nothing is."""


def batch_sums(numbers):
    total = count = 0
    for number in numbers:
        total += number
        count += 1
        if count == 1_000:
            yield total
            total = count = 0
    yield total
