"""Drains: consume what a student's function returned, and digest it or show its first items."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lab.errors import LabError
from lab.measure.run_progress import counted, reached
from lab.outcome import Digest, Outcome

_SHOWN_CHARACTERS = 120
"""Characters of each item that are shown."""

_SHOWN_ITEMS = 1_000

_LINES_OF_EACH = 100
"""Lines of each client's text that are shown."""


def rows_of(answer: Any, show: bool) -> Outcome:
    """Drain rows, in order; each is a tuple or another sequence."""
    rows = (_as_tuple(row) for row in counted(_iterable(answer)))
    if show:
        return Outcome(shown(map(repr, rows)))
    digest = Digest()
    return Outcome(counts={"items": digest.add_all(rows)}, digest=digest.hex())


def text_of(answer: Any, show: bool) -> Outcome:
    """Drain chunks of text or bytes; chunk boundaries do not change the outcome."""
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
    """Drain the texts of several clients, one chunk of each in turn; digest each separately."""
    digests, texts = [Digest() for _ in answers], [bytearray() for _ in answers]
    unfinished = dict(enumerate(map(chunks_of, answers)))
    while unfinished:
        for number, chunks in list(unfinished.items()):
            chunk = next(chunks, None)
            if chunk is None:
                del unfinished[number]
                reached(len(answers) - len(unfinished))
                continue
            digests[number].update(chunk)
            if show:
                texts[number] += chunk
    if show:
        lines = (text.decode(errors="replace").splitlines(keepends=True) for text in texts)
        return Outcome(shown(repr(line) for text in lines for line in text[:_LINES_OF_EACH]))
    return Outcome(" ".join(digest.hex() for digest in digests), {"items": len(answers)})


def value_of(answer: Any, show: bool) -> Outcome:
    """Digest a single value: a number, or a small list or dictionary."""
    if isinstance(answer, Iterator):
        raise LabError(f"it returned a {type(answer).__name__}; return a value instead")
    if show:
        entries = answer.items() if isinstance(answer, Mapping) else answer
        listed = list(entries) if isinstance(entries, Iterable) else [entries]
        return Outcome(shown(repr(_as_tuple(entry)) for entry in listed))
    digest = Digest()
    digest.add([_as_tuple(entry) for entry in answer] if isinstance(answer, list) else answer)
    return Outcome(digest.hex())


def first_difference(answer: str, solution: str) -> str:
    """Return a sentence about the first item in which two shown answers differ."""
    actual, expected = json.loads(answer), json.loads(solution)
    for number, (item, right) in enumerate(zip(actual, expected, strict=False), 1):
        if item != right:
            return f"item {number} is {item} and should be {right}"
    if len(actual) < len(expected):
        return f"it ends after {len(actual)} items; {expected[len(actual)]} should come next"
    return f"it should end after {len(expected)} items, but {actual[len(expected)]} comes next"


def _iterable(answer: Any) -> Iterable[Any]:
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise LabError(f"it returned a {type(answer).__name__}; return rows instead")
    return answer


def chunks_of(answer: Any) -> Iterator[bytes]:
    """Yield the chunks of an answer as bytes; text is encoded as UTF-8.

    Raises:
        LabError: The answer does not consist of text or bytes.
    """
    if not isinstance(answer, Iterable):
        raise LabError(f"it returned a {type(answer).__name__}; return chunks instead")
    for chunk in [answer] if isinstance(answer, str | bytes) else answer:
        if not isinstance(chunk, str | bytes | bytearray | memoryview):
            raise LabError(f"a chunk has the type {type(chunk).__name__}; it must be text or bytes")
        yield chunk.encode() if isinstance(chunk, str) else bytes(chunk)


def _as_tuple(item: Any) -> Any:
    """Return a row as a tuple, whatever sequence it is; other items as they are."""
    if isinstance(item, Sequence) and not isinstance(item, str | bytes | bytearray):
        return tuple(item)
    return item


def shown(items: Iterable[str]) -> str:
    """Return the first items as a JSON list, each of them shortened."""
    return json.dumps([item[:_SHOWN_CHARACTERS] for item in islice(items, _SHOWN_ITEMS)])
