"""Memory pools of libraries that take pages for themselves, so that no tracer of malloc sees them.

Only pools that say how much they hold can be counted; the memory of all others is seen by the
resident set alone.
"""

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PoolLevel:
    """The state of Arrow's default pool, in bytes.

    Attributes:
        now: Allocated now.
        peak: Most that was ever allocated.
    """

    now: int = 0
    peak: int = 0


def pool_level() -> PoolLevel:
    """Return the state of the pool; zeros without one, or if it takes its memory from malloc."""
    arrow: Any = sys.modules.get("pyarrow")
    if arrow is None or not hasattr(arrow, "default_memory_pool"):
        return PoolLevel()
    pool = arrow.default_memory_pool()
    if pool.backend_name == "system":
        return PoolLevel()
    return PoolLevel(pool.bytes_allocated(), pool.max_memory() or 0)


def rise(before: PoolLevel) -> int:
    """Return the bytes by which the pool rose; its peak is only known if it is a new one."""
    after = pool_level()
    highest = after.peak if after.peak > before.peak else after.now
    return max(0, highest - before.now)
