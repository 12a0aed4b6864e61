"""Bytes, counts and sizes: read at the command line, written for people, in one place.

Inside the lab every amount of memory is an ``int`` of bytes. Written figures are decimal (1 MB is
1,000,000 bytes), as the lesson's table and file sizes are; ``KiB`` and ``MiB`` are read as binary.
"""

import re
from itertools import pairwise

from lab.errors import LabError

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}


def parse_bytes(text: str) -> int:
    """Read an amount of memory such as ``24MB``, ``64 KiB`` or ``8000``.

    Raises:
        LabError: The text is no positive amount.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text.replace("_", ""))
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise LabError(f"{text!r} is no amount of memory: write it as 512MiB, 2GB or 65536.")
    return round(float(match[1]) * unit)


def parse_sizes(text: str) -> tuple[int, ...]:
    """Read sizes: ``8000..128000`` doubles from one to the other, ``10,20,40`` lists them.

    Raises:
        LabError: The sizes are no positive whole numbers, or do not increase.
    """
    try:
        if ".." in text:
            first, last = (int(part.replace("_", "")) for part in text.split("..", 1))
            return doubling(first, last)
        sizes = tuple(int(part.replace("_", "")) for part in text.split(","))
    except ValueError:
        raise LabError(
            f"{text!r} are no sizes: write whole numbers, as 8000..128000 or 8000,16000,32000."
        ) from None
    return increasing(sizes)


def increasing(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes if they can make a curve.

    Raises:
        LabError: They are empty, not positive, or do not increase.
    """
    if not sizes or sizes[0] < 1:
        raise LabError(f"sizes are whole numbers from 1 up, not {', '.join(map(str, sizes))}.")
    if any(right <= left for left, right in pairwise(sizes)):
        raise LabError(f"sizes must increase: {', '.join(map(str, sizes))} do not.")
    return sizes


def doubling(first: int, last: int) -> tuple[int, ...]:
    """Return the sizes from ``first`` up to ``last``, each twice the one before.

    >>> doubling(8_000, 128_000)
    (8000, 16000, 32000, 64000, 128000)

    Raises:
        LabError: ``first`` is not positive or above ``last``.
    """
    if first < 1 or last < first:
        raise LabError(f"sizes double from a smaller to a larger number, not {first}..{last}.")
    sizes = [first]
    while sizes[-1] * 2 <= last:
        sizes.append(sizes[-1] * 2)
    return tuple(sizes)


def show_bytes(amount: float) -> str:
    """Write an amount of memory in three figures: ``132 kB``, ``5.37 MB``, ``2.11 GB``."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if abs(amount) >= 0.9995 * unit:
            return f"{_three_figures(amount / unit)} {name}"
    return f"{_three_figures(amount)} B"


def show_per_item(amount: float, item: str) -> str:
    """Write a slope: ``2.11 kB per row``, ``0.04 B per row``."""
    return f"{show_bytes(amount)} per {item}"


def show_count(number: int) -> str:
    """Write a count with its thousands apart: ``1,000,000``."""
    return f"{number:,}"


def show_seconds(seconds: float) -> str:
    """Write a duration in three figures: ``0.81 s``, ``12.4 s``, ``310 s``."""
    return f"{_three_figures(seconds)} s"


def show_ratio(ratio: float) -> str:
    """Write how many times as much something is: ``0.13``, ``1.1``, ``31``."""
    return f"{ratio:.2f}" if ratio < 0.995 else f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def _three_figures(value: float) -> str:
    size = abs(value)
    if size < 0.0005:
        return "0"
    if size < 0.1:
        return f"{value:.1g}"
    if size < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if size < 99.95 else f"{value:.0f}"
