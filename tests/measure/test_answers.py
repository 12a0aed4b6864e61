"""What a target returns is drained as a client would, and what was drained has a name."""

import asyncio
import re
from contextlib import contextmanager

import pytest
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse

from lab.measure.answers import drain


class Numbered:
    """A sequence of the old kind, without ``__iter__``."""

    def __getitem__(self, number):
        if number >= 5:
            raise IndexError(number)
        return f"row {number}"


class Everywhere:
    """An object that has an item for every number, and no end."""

    def __getitem__(self, number):
        return number


class ByName:
    """An object whose items have names and no numbers."""

    def __getitem__(self, name):
        return {"title": "post"}[name]


class BothWays:
    """A response that can be iterated in both ways, as Django's."""

    is_async = False

    def __iter__(self):
        return iter([b"one", b"two"])

    async def __aiter__(self):
        yield b"everything at once"


def body(chunks=3):
    for number in range(chunks):
        yield f"chunk {number}\n"


async def slow_body():
    for number in range(3):
        await asyncio.sleep(0)
        yield f"chunk {number}\n"


async def later():
    return StreamingResponse(body())


async def forgets_to_await():
    return later()


@contextmanager
def opened():
    yield 1


@pytest.mark.parametrize(
    ("answer", "items", "size", "kind"),
    [
        ([1, 22], 2, 3, "list"),
        (body(2), 2, 16, "generator"),
        ({"rows": body(2), "more": [body(1)]}, 1, 32, "dict"),
        (iter([body(2), (body(1),)]), 2, 24, "list_iterator"),
        ("tëxt", 1, 5, "str"),
        (None, 1, 4, "NoneType"),
        ({"a": "bc"}, 1, 3, "dict"),
        (Numbered(), 5, 25, "Numbered"),
        (ByName(), 1, 0, "ByName"),
        (Everywhere(), 1, 0, "Everywhere"),
        (re.match("a(b)", "ab"), 1, 0, "Match"),
        (BothWays(), 2, 6, "BothWays"),
        (StreamingResponse(body()), 3, 24, "StreamingResponse"),
        (StreamingResponse(slow_body()), 3, 24, "StreamingResponse"),
        (later(), 3, 24, "StreamingResponse"),
        (forgets_to_await(), 3, 24, "StreamingResponse"),
        (slow_body(), 3, 24, "async_generator"),
        (PlainTextResponse("hello"), 1, 5, "PlainTextResponse"),
        (PlainTextResponse(""), 0, 0, "PlainTextResponse"),
        (opened(), 1, 0, "_GeneratorContextManager"),
        (opened, 1, 0, "function"),
        (dict, 1, 0, "type"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_is_drained_counted_and_named(answer, items, size, kind):
    outcome = drain(answer)
    assert outcome.counts == {"items": items, "bytes": size}
    assert outcome.answer == kind


def test_a_file_that_is_sent_is_read_whole(tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(bytes(200_000))
    assert drain(FileResponse(file)).counts["bytes"] == 200_000


def test_an_error_in_a_body_is_raised():
    def fails():
        yield "one"
        raise ValueError("no second")

    with pytest.raises((ValueError, ExceptionGroup)):
        drain(StreamingResponse(fails()))
