"""Digests of answers, taken while the answer is drained and never holding more than one item."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

_SLICE = 65_536
_PLAIN = (bool, int, float, complex, type(None))


class Digest:
    """A running digest; two answers are the same when their digests are equal."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, value: Any) -> None:
        """Take in one value: text, bytes, a number, or containers of these.

        Text and bytes are taken in slices, so that hashing a large answer costs no second copy.
        Other objects count as their type alone, since their text would name their address.
        """
        if isinstance(value, (bytes, bytearray, memoryview)):
            self._hash.update(b"b%d:" % len(value))
            self._hash.update(value)
        elif isinstance(value, str):
            self._hash.update(b"s%d:" % len(value))
            for start in range(0, len(value), _SLICE):
                self._hash.update(value[start : start + _SLICE].encode("utf-8", "surrogatepass"))
        elif isinstance(value, _PLAIN):
            self._hash.update(f"{type(value).__name__}{value!r}".encode())
        elif isinstance(value, Mapping):
            self._hash.update(b"{")
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif isinstance(value, (list, tuple)):
            self._hash.update(b"[")
            for item in value:
                self.add(item)
        else:
            self._hash.update(type(value).__qualname__.encode())
        self._hash.update(b"\0")

    def update(self, part: bytes) -> None:
        """Take in part of one long answer; where it was cut does not matter."""
        self._hash.update(part)

    def add_all(self, values: Iterable[Any]) -> int:
        """Take in every value of an iterable and return how many there were."""
        count = 0
        for value in values:
            self.add(value)
            count += 1
        return count

    def hex(self) -> str:
        """Return what has been taken in so far as 32 hexadecimal digits."""
        return self._hash.hexdigest()
