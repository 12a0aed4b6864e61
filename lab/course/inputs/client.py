"""A client of the course's server, in its own process.

Standard input has one request in each line, as JSON: ``url``, and ``stop_after`` (bytes of the body
until the client disconnects, or null). Standard output has what was received, a line for each.
"""

import json
import sys
from typing import Any

from lab.net.client import Received, request

PATIENCE = 20.0
"""Seconds without a byte after which the client gives up."""

_UNLIMITED = 1e12
"""Bytes per second: no limit, but the client reads through a small buffer."""


def main() -> None:
    """Send the request of each line until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(visit(**json.loads(line))), flush=True)


def visit(url: str, stop_after: int | None) -> dict[str, Any]:
    """Send a request; return the status, and the completeness, digest and start of the body.

    Args:
        url: Of the request.
        stop_after: Bytes of the body after which the client disconnects; None to read all of it.
    """
    try:
        received = request(url, rate=_UNLIMITED, stop_after=stop_after, timeout=PATIENCE)
    except OSError:
        received = Received(0)
    return {
        "status": received.status,
        "complete": received.complete,
        "digest": received.digest,
        "start": received.body.decode(errors="replace"),
    }


if __name__ == "__main__":
    main()
