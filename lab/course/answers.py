"""What a student's function answered: drained an item at a time, digested, and shown when small."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lab.digest import Digest
from lab.errors import LabError
from lab.measure.progress import counted, reached
from lab.pattern import Outcome

_SHOWN = 120
"""Characters of an item that are shown."""

_LINES_OF_EACH = 100
"""Lines of each client's text that are shown."""


def rows_of(answer: Any, show: bool) -> Outcome:
    """Drain rows: tuples, or whatever is one, in their order."""
    items = (_plain(item) for item in counted(_iterable(answer)))
    if show:
        return Outcome(shown(map(repr, items)))
    digest = Digest()
    return Outcome(counts={"items": digest.add_all(items)}, digest=digest.hex())


def text_of(answer: Any, show: bool) -> Outcome:
    """Drain text or bytes that come in chunks; where they were cut makes no difference."""
    if show:
        text = b"".join(chunks_of(answer)).decode(errors="replace")
        return Outcome(shown(map(repr, text.splitlines(keepends=True))))
    digest, lines = Digest(), 0
    for chunk in chunks_of(answer):
        digest.update(chunk)
        lines += chunk.count(b"\n")
        reached(lines)
    return Outcome(digest.hex(), {"items": lines})


def texts_in_step(answers: Sequence[Any], show: bool) -> Outcome:
    """Drain the texts of several clients, a chunk of each in turn; each has its own answer."""
    digests, kept = [Digest() for _ in answers], [bytearray() for _ in answers]
    reading = dict(enumerate(map(chunks_of, answers)))
    while reading:
        for number, chunks in list(reading.items()):
            chunk = next(chunks, None)
            if chunk is None:
                del reading[number]
                reached(len(answers) - len(reading))
                continue
            digests[number].update(chunk)
            if show:
                kept[number] += chunk
    if show:
        texts = (text.decode(errors="replace").splitlines(keepends=True) for text in kept)
        return Outcome(shown(repr(line) for lines in texts for line in lines[:_LINES_OF_EACH]))
    return Outcome(" ".join(one.hex() for one in digests), {"items": len(answers)})


def value_of(answer: Any, show: bool) -> Outcome:
    """Take a value as it is: a number, or a list or dictionary that is small."""
    if isinstance(answer, Iterator):
        raise LabError(f"it returned a {type(answer).__name__}, where a value was wanted")
    if show:
        entries = answer.items() if isinstance(answer, Mapping) else answer
        listed = list(entries) if isinstance(entries, Iterable) else [entries]
        return Outcome(shown(repr(_plain(entry)) for entry in listed))
    digest = Digest()
    digest.add([_plain(entry) for entry in answer] if isinstance(answer, list) else answer)
    return Outcome(digest.hex())


def first_difference(theirs: str, right: str) -> str:
    """Say where one shown answer departs from the right one."""
    mine, wanted = json.loads(theirs), json.loads(right)
    for number, (one, other) in enumerate(zip(mine, wanted, strict=False), 1):
        if one != other:
            return f"item {number} is {one} and should be {other}"
    if len(mine) < len(wanted):
        return f"it ends after {len(mine)} items, and {wanted[len(mine)]} should come next"
    return f"{len(wanted)} items should come, and then came {mine[len(wanted)]}"


def _iterable(answer: Any) -> Iterable[Any]:
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise LabError(f"it returned a {type(answer).__name__}, where rows were wanted")
    return answer


def chunks_of(answer: Any) -> Iterator[bytes]:
    """Yield the chunks of an answer as bytes; text is encoded.

    Raises:
        LabError: It is something else than chunks.
    """
    if not isinstance(answer, Iterable):
        raise LabError(f"it returned a {type(answer).__name__}, where chunks were wanted")
    for chunk in [answer] if isinstance(answer, str | bytes) else answer:
        if not isinstance(chunk, str | bytes | bytearray | memoryview):
            raise LabError(f"a chunk is a {type(chunk).__name__}, where text or bytes were wanted")
        yield chunk.encode() if isinstance(chunk, str) else bytes(chunk)


def _plain(item: Any) -> Any:
    """Let a row be a tuple, whoever made it."""
    if isinstance(item, Sequence) and not isinstance(item, str | bytes | bytearray):
        return tuple(item)
    return item


def shown(items: Iterable[str]) -> str:
    """Return the first items as JSON, none of them too long to read."""
    return json.dumps([item[:_SHOWN] for item in islice(items, 1_000)])
