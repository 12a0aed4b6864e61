"""The clients of a server under measurement, in a separate process.

Each line of standard input is a request as JSON; each line of standard output is what the clients
received, as JSON.

Several clients are served at the same time from beginning to end: they read in step, and none
takes the next block before all have the last one. Their socket buffers are small, so data that
they have not read stays in the server.
"""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from lab.measure.http.body import Body
from lab.net.client import BLOCK, Received, request

PATIENCE = 30.0
"""Seconds to wait for the others; a server may admit a client only after another has left."""

LONGEST_LINE = 65_536
"""Characters of a result; an answer's part in it is `_SHOWN` bytes long."""

_SHOWN = 300
"""Bytes of an answer that an error shows."""

_SILENCE = 600.0
"""Seconds without a byte after which a client gives up."""


def main() -> None:
    """Send the request of each line, until standard input ends."""
    for line in sys.stdin:
        try:
            result = send_all(json.loads(line))
        except Exception as error:
            result = {"failed": f"a client failed: {type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


def read_result(line: str) -> dict[str, Any]:
    """Return what the clients received, from the line that they wrote; empty if they ended."""
    if not line:
        return {"failed": "the client died"}
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict) or not ("failed" in result or "counts" in result):
        return {"failed": f"the client wrote {line[:_SHOWN]!r} instead of its result"}
    return result


def send_all(job: dict[str, Any]) -> dict[str, Any]:
    """Send the request of a job from each of its clients; return a summary of the answers."""
    if job["clients"] == 1:
        return _with_sent(job, [request(*_request(job), timeout=_SILENCE)])
    clients = LockstepClients(job["clients"])
    with ThreadPoolExecutor(job["clients"]) as pool:
        received = list(pool.map(lambda _: clients.request(*_request(job)), range(job["clients"])))
    result = _with_sent(job, received)
    return {**result, "counts": {**result.get("counts", {}), "at_once": clients.most}}


def _with_sent(job: dict[str, Any], received: list[Received]) -> dict[str, Any]:
    """Return a summary; of uploads it counts the bytes that were sent before the answers' ends."""
    result = summary(received, alike=job["alike"])
    if job["body"] and "counts" in result:
        result["counts"]["sent"] = sum(answer.sent for answer in received)
    return result


class LockstepClients:
    """Clients that read in step, a block each in turn.

    If the server makes some of them wait until others have left, they read on independently after
    `PATIENCE` seconds.

    Args:
        clients: Their number.

    Attributes:
        most: The most clients that, at one moment, had the first block of the answer but not yet
            its end.
    """

    def __init__(self, clients: int) -> None:
        self.most = 0
        self._reading = 0
        self._lock = threading.Lock()
        self._step = threading.Barrier(clients, timeout=PATIENCE)

    def request(
        self, url: str, method: str, headers: dict[str, str], body: Iterator[bytes] | None
    ) -> Received:
        """Send a request and read the answer in step with the others."""
        try:
            return request(
                url, method, headers, body, timeout=_SILENCE, keep=BLOCK, pace=self._in_step
            )
        except ConnectionError:
            return Received(0)
        finally:
            # The others must not wait for a client that has finished or failed.
            self._step.abort()

    def _in_step(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        block = next(blocks, b"")
        self._count(1)
        try:
            while block:
                with suppress(threading.BrokenBarrierError):
                    self._step.wait()
                yield block
                block = next(blocks, b"")
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._reading += change
            self.most = max(self.most, self._reading)


def _request(job: dict[str, Any]) -> tuple[str, str, dict[str, str], Iterator[bytes] | None]:
    """Return URL, method, headers and body of a job; the body is generated while it is sent."""
    headers, body = dict(job["headers"]), None
    if job["body"]:
        defaults, body = Body(**job["body"]).opened(job["size"], job["measured"])
        own = {name.lower() for name in headers}
        headers.update({name: text for name, text in defaults.items() if name.lower() not in own})
    return job["url"], job["method"], headers, body


def summary(received: list[Received], alike: bool = True) -> dict[str, Any]:
    """Return digest, counts and bytes of the answers, or the failure of the first that failed.

    Args:
        received: The answers.
        alike: Whether they must have the same bytes; else only the same length, without a digest.
    """
    total = sum(answer.length for answer in received if 200 <= answer.status < 300)
    failure = next(filter(None, map(_failure, received)), None)
    digests = {answer.digest if alike else "" for answer in received}
    lengths = {answer.length for answer in received}
    if failure is None and max(len(digests), len(lengths)) > 1:
        failure = "two clients received different answers"
    if failure is not None:
        return {"failed": failure, "received": total}
    counts = {"bytes": total, "status": received[0].status}
    return {"digest": digests.pop(), "counts": counts, "received": total}


def _failure(answer: Received) -> str | None:
    if answer.status == 0:
        return "the server hung up without an answer"
    if not 200 <= answer.status < 300:
        text = answer.headers.get("location") or answer.body[:_SHOWN].decode(errors="replace")
        return f"the answer was {answer.status}: {text}"
    if not answer.complete:
        return f"the answer broke off after {answer.length:,} bytes"
    return None


if __name__ == "__main__":
    main()
