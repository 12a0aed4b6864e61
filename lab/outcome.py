"""The outcome of a call: a digest of its answer, computed while it is drained, and counts."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import IOBase
from typing import Any

_SLICE = 65_536
_SHORT = 1_000
"""Characters of a text that is added in one piece: short items are most, and must be fast."""
_PLAIN = (bool, int, float, complex, type(None))


@dataclass(frozen=True)
class Outcome:
    """The digest of an answer, and counts that belong to it.

    Two variants give the same answer when their digests are equal.

    Attributes:
        digest: Hexadecimal digits, from `Digest.hex`.
        counts: Such as items delivered or statements sent to the database, by name.
        answer: What was drained, such as "generator" or "int"; empty if the call has no answer.
    """

    digest: str
    counts: Mapping[str, int] = field(default_factory=dict)
    answer: str = field(default="", compare=False)


class Digest:
    """A BLAKE2b digest of all values added to it; equal answers have equal digests.

    Attributes:
        bytes: Bytes of the text, bytes and numbers in the values so far.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.bytes = 0

    def add(self, value: Any) -> None:
        """Add one value: text, bytes, a number, or containers and iterators of these.

        Text is encoded in slices, so that a large answer is not copied as a whole. Of any other
        object only the name of its type counts, because its repr contains its address.
        """
        if type(value) is int:
            part = b"int%d\0" % value
            self._hash.update(part)
            self.bytes += len(part) - len(b"int\0")
            return
        if type(value) is str and len(value) <= _SHORT:
            encoded = value.encode("utf-8", "surrogatepass")
            self._hash.update(b"s%d:%b\0" % (len(value), encoded))
            self.bytes += len(encoded)
            return
        if isinstance(value, (bytes, bytearray, memoryview)):
            size = memoryview(value).nbytes
            self._hash.update(b"b%d:" % size)
            self._hash.update(value)
            self.bytes += size
        elif isinstance(value, str):
            self._hash.update(b"s%d:" % len(value))
            for start in range(0, len(value), _SLICE):
                encoded = value[start : start + _SLICE].encode("utf-8", "surrogatepass")
                self._hash.update(encoded)
                self.bytes += len(encoded)
        elif isinstance(value, _PLAIN):
            text = repr(value)
            self._hash.update(f"{type(value).__name__}{text}".encode())
            self.bytes += len(text)
        elif isinstance(value, (list, tuple)):
            self._hash.update(b"[")
            for item in value:
                self.add(item)
        elif isinstance(value, Mapping):
            self._hash.update(b"{")
            for key, item in value.items():
                self.add(key)
                self.add(item)
        else:
            self._add_object(value)
        self._hash.update(b"\0")

    def _add_object(self, value: Any) -> None:
        """Add the items of an iterator, which a client would read as well, or a type's name."""
        if isinstance(value, Iterator) and not isinstance(value, IOBase):
            self._hash.update(b"[")
            self.add_all(value)
        else:
            self._hash.update(type(value).__qualname__.encode())

    def update(self, part: bytes) -> None:
        """Add part of one long answer; the digest does not depend on where the parts were cut."""
        self._hash.update(part)

    def add_all(self, values: Iterable[Any]) -> int:
        """Add every value of an iterable and return their number."""
        count = 0
        for value in values:
            self.add(value)
            count += 1
        return count

    def hex(self) -> str:
        """Return the digest of all values so far as 32 hexadecimal digits."""
        return self._hash.hexdigest()
