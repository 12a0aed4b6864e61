"""Parse and format bytes, counts, sizes and durations.

Inside the lab every amount of memory is an ``int`` of bytes. Output is decimal (1 MB is 1,000,000
bytes), like the lesson's table and file sizes. Input may also be binary (``KiB``, ``MiB``).
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
    """Parse an amount of memory such as ``24MB``, ``64 KiB`` or ``8000``; return bytes.

    Raises:
        LabError: The text is not an amount of memory.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text.replace("_", ""))
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise LabError(f"{text!r} is not a valid amount of memory: write 512MiB, 2GB or 65536.")
    return round(float(match[1]) * unit)


def parse_sizes(text: str) -> tuple[int, ...]:
    """Parse sizes: ``8000..128000`` doubles from the first to the last, ``10,20,40`` is a list.

    Raises:
        LabError: The sizes are not positive whole numbers, or do not increase.
    """
    try:
        if ".." in text:
            first, last = (int(part.replace("_", "")) for part in text.split("..", 1))
            return doubling(first, last)
        sizes = tuple(int(part.replace("_", "")) for part in text.split(","))
    except ValueError:
        raise LabError(
            f"{text!r} is not a list of sizes: write 8000..128000 or 8000,16000,32000."
        ) from None
    return increasing(sizes)


def increasing(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes unchanged if they are positive and increase.

    Raises:
        LabError: They are empty, not positive, or do not increase.
    """
    if not sizes or sizes[0] < 1:
        raise LabError(f"sizes must be 1 or more, not {', '.join(map(str, sizes))}.")
    if any(right <= left for left, right in pairwise(sizes)):
        raise LabError(f"sizes must increase: {', '.join(map(str, sizes))} do not.")
    return sizes


def doubling(first: int, last: int) -> tuple[int, ...]:
    """Return the sizes from ``first`` up to ``last``, each twice the previous one.

    >>> doubling(8_000, 128_000)
    (8000, 16000, 32000, 64000, 128000)

    Raises:
        LabError: ``first`` is not positive, or greater than ``last``.
    """
    if first < 1 or last < first:
        raise LabError(f"{first}..{last} is not a range of sizes: write it as 8000..128000.")
    sizes = [first]
    while sizes[-1] * 2 <= last:
        sizes.append(sizes[-1] * 2)
    return tuple(sizes)


def show_bytes(amount: float) -> str:
    """Format bytes with three significant figures: ``132 kB``, ``5.37 MB``, ``2.11 GB``."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if abs(amount) >= 0.9995 * unit:
            return f"{_three_figures(amount / unit)} {name}"
    return f"{_three_figures(amount)} B"


def show_per_item(amount: float, item: str) -> str:
    """Format a slope in bytes per item: ``2.11 kB per row``, ``0.04 B per row``."""
    return f"{show_bytes(amount)} per {item}"


def show_count(number: int) -> str:
    """Format a count with thousands separators: ``1,000,000``."""
    return f"{number:,}"


def show_seconds(seconds: float) -> str:
    """Format a duration with three significant figures: ``0.81 s``, ``12.4 s``, ``310 s``."""
    return f"{_three_figures(seconds)} s"


def show_ratio(ratio: float) -> str:
    """Format a ratio: ``0.13``, ``1.1``, ``31``."""
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
