"""Drain the answer of a target as a client would, and say what was drained."""

import asyncio
import sys
from collections.abc import AsyncIterable, Iterable, Mapping
from inspect import isawaitable
from typing import Any

from lab.measure.run_progress import counted, reached
from lab.outcome import Digest, Outcome

_SINGLE = (str, bytes, bytearray, memoryview, Mapping)
"""Iterables that are one value."""

_SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [],
}
"""The request to which a response is sent that no server sends."""


def drain(answer: Any) -> Outcome:
    """Consume an answer item by item, as a client would, and return its outcome.

    Awaitables are awaited. Asynchronous and ordinary iterables are drained, also those that only
    have ``__getitem__``; a response of Starlette or FastAPI is sent, and its body is drained.
    Text, bytes, mappings and all other objects count as one item.
    """
    if isawaitable(answer) or _is_asynchronous(answer) or _is_response(answer):
        return asyncio.run(drain_async(answer))
    digest = Digest()
    if _is_iterable(answer):
        return _outcome(digest, digest.add_all(counted(answer)), answer)
    digest.add(answer)
    return _outcome(digest, 1, answer)


async def drain_async(answer: Any) -> Outcome:
    """Do what `drain` does, in a running event loop."""
    while isawaitable(answer):
        answer = await answer
    digest, items = Digest(), 0
    if _is_response(answer):
        items = await _send(answer, digest)
    elif _is_asynchronous(answer):
        async for item in answer:
            digest.add(item)
            items += 1
            reached(items)
    else:
        return drain(answer)
    return _outcome(digest, items, answer)


async def _send(response: Any, digest: Digest) -> int:
    """Send a response to nobody; add its body to the digest and return the number of chunks."""
    chunks = 0

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError  # the client stays until the end

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal chunks
        body = message.get("body", b"")
        if body:
            digest.update(body)
            digest.bytes += len(body)
            chunks += 1
            reached(chunks)

    await response(dict(_SCOPE), receive, send)
    return chunks


def _outcome(digest: Digest, items: int, answer: Any) -> Outcome:
    counts = {"items": items, "bytes": digest.bytes}
    return Outcome(digest.hex(), counts, type(answer).__qualname__)


def _is_response(answer: Any) -> bool:
    module = sys.modules.get("starlette.responses")
    return module is not None and isinstance(answer, module.Response)


def _is_asynchronous(answer: Any) -> bool:
    """Return whether an answer must be drained asynchronously.

    Some responses can be iterated in both ways, and then say which one is theirs.
    """
    if not isinstance(answer, AsyncIterable):
        return False
    return not isinstance(answer, Iterable) or bool(getattr(answer, "is_async", False))


def _is_iterable(answer: Any) -> bool:
    if isinstance(answer, (*_SINGLE, type)):
        return False
    return isinstance(answer, Iterable) or _has_items(answer)


def _has_items(answer: Any) -> bool:
    """Return whether an object without ``__iter__`` has items by number, as a sequence has."""
    try:
        iter(answer)
        answer[sys.maxsize]
    except IndexError:
        return True
    except Exception:  # of any kind: it is no sequence
        return False
    return False  # it has an item for every number
