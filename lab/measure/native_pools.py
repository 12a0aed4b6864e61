"""Memory pools of libraries that take pages for themselves, so that no tracer of malloc sees them.

Only pools that say how much they hold can be counted; the memory of all others is seen by the
resident set alone.
"""

import sys
from typing import Any


class PoolWatch:
    """Arrow's default pool from now on.

    A pool keeps its highest level for ever, which an earlier one may hide. So what Python asks of
    it goes through a second pool on top of it, which begins at zero.
    """

    def __init__(self) -> None:
        self._pool = _own_pool()
        self._proxy = None
        self._now = self._peak = 0
        if self._pool is not None:
            self._now, self._peak = self._pool.bytes_allocated(), self._pool.max_memory() or 0
            self._proxy = sys.modules["pyarrow"].proxy_memory_pool(self._pool)
            sys.modules["pyarrow"].set_memory_pool(self._proxy)

    def rise(self) -> int:
        """Return the most bytes by which the pool rose; Arrow itself may have taken more."""
        pool = self._pool or _own_pool()
        if pool is None:
            return 0
        if self._proxy is not None:
            sys.modules["pyarrow"].set_memory_pool(pool)
        peak = pool.max_memory() or 0
        highest = peak if peak > self._peak else pool.bytes_allocated()
        return max(0, highest - self._now, (self._proxy and self._proxy.max_memory()) or 0)


def _own_pool() -> Any:
    """Return Arrow's pool; None without one, or if it takes its memory from malloc."""
    arrow: Any = sys.modules.get("pyarrow")
    if arrow is None or not hasattr(arrow, "default_memory_pool"):
        return None
    pool = arrow.default_memory_pool()
    return None if pool.backend_name == "system" else pool
