"""Functions of the first lesson: log lines in memory all at once, or one at a time."""

from collections.abc import Iterator
from itertools import tee


def lines(count: int) -> Iterator[str]:
    """Yield ``count`` lines of a server's log, each made when it is requested."""
    for number in range(count):
        yield f"{number:08} GET /posts/{number * 37 % 10_000} 200"


def add_up_a_list(count: int) -> int:
    """Put all lines into a list, then add up their lengths."""
    all_lines = list(lines(count))
    return sum(map(len, all_lines))


def add_up_a_generator(count: int) -> int:
    """Read one line after the other, and add up their lengths."""
    return sum(map(len, lines(count)))


def longest_by_sorting(count: int) -> int:
    """Sort the lines by length, and return the length of the last."""
    return len(sorted(lines(count), key=len)[-1])


def longest_by_max(count: int) -> int:
    """Keep only the greatest length so far, and return it."""
    return max(map(len, lines(count)))


def mean_by_tee(count: int) -> float:
    """Make two iterators from one: add up the first, and count the second."""
    first, second = tee(lines(count))
    return sum(map(len, first)) / sum(1 for _ in second)


def mean_in_one_pass(count: int) -> float:
    """Add up and count the lines in the same loop."""
    total = number = 0
    for line in lines(count):
        total += len(line)
        number += 1
    return total / number


def hold_and_let_go(count: int, stages: int) -> list[str]:
    """Run the first ``stages`` of four stages, and return the lines that are kept at the end."""
    kept = list(lines(count))
    if stages > 1:
        kept = kept[::100]
    if stages > 2:
        kept = [*kept, *lines(count)]
    if stages > 3:
        kept = []
    return kept
