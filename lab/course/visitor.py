"""A client of the course's server, in a process of its own.

On standard input an address and when to hang up, as a line of JSON; on standard output what was
received, as another.
"""

import json
import sys
from typing import Any

from lab.client import Received, request

PATIENCE = 20.0
"""Seconds without a byte after which it gives up."""

_AT_ONCE = 1e12
"""Bytes a second: as fast as they come, but through a small buffer."""


def main() -> None:
    """Answer line after line, until there are no more."""
    for line in sys.stdin:
        print(json.dumps(visit(**json.loads(line))), flush=True)


def visit(url: str, stop_after: int | None) -> dict[str, Any]:
    """Ask for an address; return the status, and of the body what there is to say."""
    try:
        found = request(url, rate=_AT_ONCE, stop_after=stop_after, timeout=PATIENCE)
    except OSError:
        found = Received(0)
    return {
        "status": found.status,
        "complete": found.complete,
        "digest": found.digest,
        "start": found.body.decode(errors="replace"),
    }


if __name__ == "__main__":
    main()
