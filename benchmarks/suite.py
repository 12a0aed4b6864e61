"""Suites: a pattern, its limit, and the sizes at which its variants are compared."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks.limit import Limited
from lab.pattern import Pattern, Variant
from lab.patterns.shared.user_import import Report


@dataclass(frozen=True)
class Suite:
    """A pattern, its limit and its sizes.

    Attributes:
        pattern: The pattern whose variants are compared.
        limit: Opens the limit that they are compared with.
        tuned: Size of tuned variants along the pattern's first axis.
        streaming: Size of streaming variants, which take longer.
        naive: Size of naive variants and traps, which would otherwise take minutes and gigabytes.
        growth: Largest size of the curve of costs; 0 for the naive size.
        name: The suite's name, if the pattern has several suites.
        options: Arguments of the variants, by name.
    """

    pattern: Pattern
    limit: Limited
    tuned: int
    streaming: int
    naive: int
    growth: int = 0
    name: str = ""
    options: Mapping[str, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The suite's name in the report."""
        return self.name or self.pattern.name

    @property
    def axis(self) -> str:
        """The unit of the sizes: the pattern's first axis."""
        return next(iter(self.pattern.axes))

    @property
    def variants(self) -> pytest.MarkDecorator:
        """A mark that makes one test for each variant."""
        ids = [variant.name for variant in self.pattern.variants]
        return pytest.mark.parametrize("variant", self.pattern.variants, ids=ids)

    def size_of(self, variant: Variant) -> int:
        """Return the size at which a variant is compared."""
        sizes = {"tuned": self.tuned, "streaming": self.streaming}
        return sizes.get(variant.role, self.naive)

    def sizes(self, size: int) -> dict[str, int]:
        """Return a size along the axis and the options."""
        return {self.axis: size, **self.options}


@contextmanager
def opened_variant(suite: Suite, variant: Variant, size: int) -> Iterator[Callable[[], int]]:
    """Open a variant's inputs, and yield a call that runs it and returns the bytes it sent."""
    fixed = {**suite.pattern.fixed, suite.axis: size}
    options = {name: value for name, value in suite.options.items() if variant.takes(name)}
    with suite.pattern.open_inputs(**fixed) as inputs:
        arguments = inputs if isinstance(inputs, tuple) else (inputs,)
        yield lambda: sent(variant.run(*arguments, **options))


def sent(answer: Any) -> int:
    """Read an answer to its end, as a server does; return its bytes, 0 if it has none."""
    if isinstance(answer, AbstractContextManager):
        with answer as rows:
            return sent(iter(rows))
    if isinstance(answer, Report) or not isinstance(answer, Iterable):
        return 0
    total = 0
    for chunk in answer:
        if isinstance(chunk, str):
            total += len(chunk.encode())
        elif isinstance(chunk, bytes):
            total += len(chunk)
    return total
