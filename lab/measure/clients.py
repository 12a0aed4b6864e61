"""The clients of a server under measurement, in a process of their own.

On standard input a request as a line of JSON; on standard output what was received, as another.
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from lab.client import Received, request

_SHOWN = 300


def main() -> None:
    """Answer line after line, until there are no more."""
    for line in sys.stdin:
        job = json.loads(line)
        try:
            with ThreadPoolExecutor(job["clients"]) as pool:
                received = list(pool.map(lambda _, job=job: send(job), range(job["clients"])))
            said = summary(received)
        except Exception as error:
            said = {"failed": f"a client failed: {type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


def send(job: dict[str, Any]) -> Received:
    """Send one request of a job, its body generated while it is sent."""
    headers, body = dict(job["headers"]), None
    if job["body"]:
        from lab.multipart import FORM, as_form
        from lab.streams import gather

        headers["Content-Type"] = FORM
        body = gather(as_form(users(job["body"], job["size"]), field=job["field"]))
    return request(job["url"], job["method"], headers, body, timeout=600.0)


def users(counted: str, size: int) -> Iterator[bytes]:
    """Yield a CSV of users, line by line: so many rows under a header, or so many bytes."""
    from lab.data.files import users_blocks

    return users_blocks(size) if counted == "bytes" else islice(users_blocks(1 << 62), size + 1)


def summary(received: list[Received]) -> dict[str, Any]:
    """Say what all clients received, or what the first one that failed was told."""
    total = sum(one.length for one in received if 200 <= one.status < 300)
    failure = next(filter(None, map(_failure, received)), None)
    digests = {one.digest for one in received}
    if failure is None and len(digests) > 1:
        failure = "two clients received different answers"
    if failure is not None:
        return {"failed": failure, "received": total}
    counts = {"bytes": total, "status": received[0].status}
    return {"digest": digests.pop(), "counts": counts, "received": total}


def _failure(one: Received) -> str | None:
    if one.status == 0:
        return "the server hung up without an answer"
    if not 200 <= one.status < 300:
        said = one.headers.get("location") or one.body[:_SHOWN].decode(errors="replace")
        return f"the answer was {one.status}: {said}"
    if not one.complete:
        return f"the answer broke off after {one.length:,} bytes"
    return None


if __name__ == "__main__":
    main()
