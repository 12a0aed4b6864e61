"""The memory that a server needs for its clients: a base plus the same bytes for each client.

    memory = base + clients x bytes per client

The base is the resident set of the warm process before its first client. The bytes per client are
those of one request of one variant, while all clients are in the middle of their requests; a
request that waits for a connection of the pool or for a thread is not in memory yet. Limits of the
formula:

- A variant that keeps the whole answer in memory needs its bytes per client *at the measured size*;
  with twice the rows the formula is another one.
- Peaks at different moments do not add up: above the measured numbers of clients the formula gives
  too much. Memory that the allocator keeps after a burst counts in the resident set, and the next
  burst reuses it; only the highest burst counts.
- The page cache of files that are sent is not included. The kernel reclaims it when needed.
- Several workers do not share clients evenly: size each worker for all clients.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from lab.errors import LabError
from lab.units import show_bytes

TOLERANCE = 0.2
"""Largest accepted error of the formula, as a ratio of the measured peak."""

SPARE = 0.2
"""Ratio of a limit that stays free, because the formula is no better than its tolerance."""

_STEEPER = 1.5
_MATTERS = 0.1


@dataclass(frozen=True)
class Sizing:
    """The formula of one server and request.

    Attributes:
        base: Resident set of the warm process without clients, in bytes.
        per_client: Bytes that each client in the middle of a request adds.
        most: Largest number of clients that was measured.
    """

    base: int
    per_client: int
    most: int

    def memory(self, clients: int) -> int:
        """Return the expected peak in bytes for a number of clients at once."""
        return self.base + clients * self.per_client

    def limit(self, clients: int, spare: float = SPARE) -> int:
        """Return the memory limit in bytes to set for a number of clients at once."""
        return ceil(self.memory(clients) / (1 - spare))

    def clients(self, limit: int, spare: float = SPARE) -> int:
        """Return how many clients at once fit under a limit in bytes; 0 if none does."""
        return max(0, int(limit * (1 - spare) - self.base) // self.per_client)

    def extrapolated(self, clients: int) -> bool:
        """Return whether a number of clients is more than twice the largest measured one."""
        return clients > 2 * self.most

    def error(self, clients: int, peak: int) -> float:
        """Return the formula's error as a ratio of a measured peak: +0.1 is 10 % too high."""
        return (self.memory(clients) - peak) / peak

    def error_above_base(self, clients: int, peak: int) -> float:
        """Return the error as a ratio of the clients' part of a peak, without the base.

        Raises:
            LabError: The peak is not above the base.
        """
        if peak <= self.base:
            raise LabError(f"a peak of {show_bytes(peak)} is not above the base.")
        return (self.memory(clients) - peak) / (peak - self.base)


def fit(base: int, peaks: Mapping[int, int]) -> Sizing:
    """Compute the bytes per client from peaks measured at several numbers of clients.

    The line passes through the base and fits the peaks by least squares, so that larger numbers
    of clients weigh most. Measure at a small number and at four times as many, such as 4 and 16.

    Args:
        base: Resident set of the warm process without clients, in bytes.
        peaks: Peak resident set in bytes by number of clients; two numbers or more.

    Raises:
        LabError: There are too few peaks, they do not rise, or they do not lie on a line, so that
            the formula does not apply to this server.
    """
    if len(peaks) < 2 or min(peaks) < 1:
        raise LabError(
            "two peaks are needed at least: measure at 4 and at 16 clients, for example."
        )
    slope = sum(n * (peak - base) for n, peak in peaks.items()) / sum(n * n for n in peaks)
    if slope <= 0:
        raise LabError("clients add no measurable memory: send larger requests, or more at once.")
    sizing = Sizing(base, ceil(slope), max(peaks))
    _check_steepness(base, peaks)
    for clients, peak in sorted(peaks.items()):
        if abs(error := sizing.error(clients, peak)) > TOLERANCE:
            raise LabError(
                f"the peak of {show_bytes(peak)} at {clients} clients is {abs(error):.0%} off the "
                "line: memory is not in proportion to clients here, so measure at the number of "
                "clients that you mean to allow."
            )
    return sizing


def _check_steepness(base: int, peaks: Mapping[int, int]) -> None:
    """Refuse a cost per client that rises with the number of clients.

    A rise of less than a tenth of the base is accepted: even if it is quadratic, it stays within
    the tolerance at twice the number of clients.
    """
    few, many = min(peaks), max(peaks)
    first, last = ((peaks[n] - base) / n for n in (few, many))
    if last > _STEEPER * max(first, 0) and peaks[many] - base > _MATTERS * base:
        raise LabError(
            f"a client costs {show_bytes(first)} with {few} clients and {show_bytes(last)} with "
            f"{many}: memory grows faster than the number of clients, so find what they share."
        )
