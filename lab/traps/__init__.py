"""What is said and is wrong when measured: each trap springs on real parts."""

from collections.abc import Callable, Sequence

from lab.errors import LabError, nearest
from lab.traps.hang_ups import HANG_UP_TRAPS
from lab.traps.queries import QUERY_TRAPS
from lab.traps.trap import Sprung, Trap
from lab.traps.uploads import UPLOAD_TRAPS

TRAPS: tuple[Trap, ...] = (*QUERY_TRAPS, *HANG_UP_TRAPS, *UPLOAD_TRAPS)


def trap(name: str) -> Trap:
    """Return a trap by name.

    Raises:
        LabError: There is none of that name.
    """
    for found in TRAPS:
        if found.name == name:
            return found
    raise LabError(f"unknown trap {name!r}: {nearest(name, [t.name for t in TRAPS])}")


def spring_all(
    traps: Sequence[Trap], on_sprung: Callable[[], None] = lambda: None
) -> list[tuple[Trap, Sprung]]:
    """Spring one trap after the other and return what each showed."""
    found = []
    for one in traps:
        found.append((one, one.spring()))
        on_sprung()
    return found
