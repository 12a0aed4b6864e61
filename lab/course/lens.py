"""What the first lesson looks at: lines that are held all at once, or one at a time."""

from collections.abc import Iterator
from itertools import tee


def lines(count: int) -> Iterator[str]:
    """Make so many lines of a server's log, each when it is asked for."""
    for number in range(count):
        yield f"{number:08} GET /posts/{number * 37 % 10_000} 200"


def add_up_a_list(count: int) -> int:
    """Put every line into a list, then add up their lengths."""
    every = list(lines(count))
    return sum(map(len, every))


def add_up_a_generator(count: int) -> int:
    """Take one line after the other, and add up their lengths."""
    return sum(map(len, lines(count)))


def longest_by_sorting(count: int) -> int:
    """Sort the lines by length, and take the last."""
    return len(sorted(lines(count), key=len)[-1])


def longest_by_max(count: int) -> int:
    """Keep the greatest length so far."""
    return max(map(len, lines(count)))


def mean_by_tee(count: int) -> float:
    """Make two iterators of one: the first is added up, the second counted."""
    first, second = tee(lines(count))
    return sum(map(len, first)) / sum(1 for _ in second)


def mean_in_one_pass(count: int) -> float:
    """Add up and count at the same time."""
    total = number = 0
    for line in lines(count):
        total += len(line)
        number += 1
    return total / number


def hold_and_let_go(count: int, stages: int) -> list[str]:
    """Go through so many stages of a life with lines, and return those that are held then."""
    held = list(lines(count))
    if stages > 1:
        held = held[::100]
    if stages > 2:
        held = [*held, *lines(count)]
    if stages > 3:
        held = []
    return held
