"""How much memory a server needs for its clients: a base, and so many bytes for each of them.

    memory = base + clients x bytes per client

The base is the warm process before anybody has come, and it is measured. The bytes per client are
those of one request of one variant, with every client in mid-request at once; what arrives while
others wait, for a connection of the pool or for a thread, is not in memory yet. Where it fails:

- A variant that holds the whole answer costs so many bytes *at the measured size*: with twice the
  rows it is another formula.
- Peaks that do not come at the same moment do not add up: above the numbers that were measured the
  formula says rather too much. Memory that the allocator keeps after a burst is in the process's
  size, and is used again by the next burst; only the highest burst counts.
- The page cache of files that are sent is not in it. The kernel takes it back when it needs to.
- Several workers share no client evenly: size each as if all clients came to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from lab.errors import LabError
from lab.units import show_bytes

TOLERANCE = 0.2
"""How far a peak may be from the formula, as a share of the peak."""

SPARE = 0.2
"""The share of a limit that is left free, since the formula is no better than its tolerance."""

_STEEPER = 1.5
_MATTERS = 0.1


@dataclass(frozen=True)
class Sizing:
    """What a server needs.

    Attributes:
        base: Bytes of the warm process without clients.
        per_client: Bytes that each client in mid-request adds.
        most: The largest number of clients that was measured.
    """

    base: int
    per_client: int
    most: int

    def memory(self, clients: int) -> int:
        """Return the peak in bytes that so many clients at once are expected to cause."""
        return self.base + clients * self.per_client

    def limit(self, clients: int, spare: float = SPARE) -> int:
        """Return the memory limit in bytes to set for so many clients at once."""
        return ceil(self.memory(clients) / (1 - spare))

    def clients(self, limit: int, spare: float = SPARE) -> int:
        """Return how many clients at once fit under a limit in bytes; 0 if none does."""
        return max(0, int(limit * (1 - spare) - self.base) // self.per_client)

    def extrapolated(self, clients: int) -> bool:
        """Tell whether so many clients are more than twice as many as were measured."""
        return clients > 2 * self.most

    def error(self, clients: int, peak: int) -> float:
        """Return by how much the formula is off, as a share of a measured peak: 0.1 is too much."""
        return (self.memory(clients) - peak) / peak

    def error_above_base(self, clients: int, peak: int) -> float:
        """Return the same for the clients' part alone, which the base would hide.

        Raises:
            LabError: The peak is not above the base.
        """
        if peak <= self.base:
            raise LabError(f"a peak of {show_bytes(peak)} is not above the base.")
        return (self.memory(clients) - peak) / (peak - self.base)


def fit(base: int, peaks: Mapping[int, int]) -> Sizing:
    """Find the bytes per client from peaks measured at several numbers of clients.

    The line goes through the base, and by least squares near the rest, so that the larger numbers
    weigh most. Measure at a few clients and at four times as many, for example 4 and 16.

    Args:
        base: Bytes of the warm process without clients.
        peaks: Peak RSS in bytes by the number of clients; two numbers or more.

    Raises:
        LabError: There are too few peaks, they do not rise, or they do not lie on a line: then the
            formula is not the one for this server.
    """
    if len(peaks) < 2 or min(peaks) < 1:
        raise LabError("one peak shows no line: measure at 4 and at 16 clients, say.")
    slope = sum(n * (peak - base) for n, peak in peaks.items()) / sum(n * n for n in peaks)
    if slope <= 0:
        raise LabError("clients add nothing that can be measured: send larger requests, or more.")
    found = Sizing(base, ceil(slope), max(peaks))
    _check_steepness(base, peaks)
    for clients, peak in sorted(peaks.items()):
        if abs(off := found.error(clients, peak)) > TOLERANCE:
            raise LabError(
                f"the peak of {show_bytes(peak)} at {clients} clients is {abs(off):.0%} off the "
                "line: memory is not in proportion to clients here, so measure at the number of "
                "clients that you mean to allow."
            )
    return found


def _check_steepness(base: int, peaks: Mapping[int, int]) -> None:
    """Refuse a cost per client that rises with the clients.

    A rise of less than a tenth of the base may do so: also as a square, it would be within the
    tolerance at twice the number.
    """
    few, many = min(peaks), max(peaks)
    first, last = ((peaks[n] - base) / n for n in (few, many))
    if last > _STEEPER * max(first, 0) and peaks[many] - base > _MATTERS * base:
        raise LabError(
            f"a client costs {show_bytes(first)} among {few} and {show_bytes(last)} among {many}: "
            "memory grows faster than the number of clients, so find out what they share."
        )
