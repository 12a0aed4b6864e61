"""A feed of events, before and after a commit that looks harmless.

An event may be reported twice, one report right after the other. The functions yield the same
lines.
"""

import json
from collections.abc import Iterator
from itertools import groupby


def before(events: int) -> Iterator[str]:
    """Yield a line for each event."""
    for number, _ in groupby(reported(events)):
        yield as_line(number)


def after(events: int) -> Iterator[str]:
    """Yield a line for each event; easier to read than `groupby`."""
    sent = set()
    for number in reported(events):
        if number not in sent:
            sent.add(number)
            yield as_line(number)


def mended(events: int) -> Iterator[str]:
    """Yield a line for each event; duplicates are neighbours, so one number is enough."""
    last = None
    for number in reported(events):
        if number != last:
            last = number
            yield as_line(number)


def reported(events: int) -> Iterator[int]:
    """Yield the reported events by ascending number, every tenth of them twice."""
    for number in range(events):
        yield number
        if number % 10 == 0:
            yield number


def as_line(number: int) -> str:
    """Return an event as a line of JSON."""
    return json.dumps({"event": number, "kind": "view"}) + "\n"
