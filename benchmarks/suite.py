"""A pattern, the sizes at which its variants are compared, and what they are compared with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks.limit import Limited
from lab.pattern import Pattern, Variant
from lab.patterns.csv_upload import Report


@dataclass(frozen=True)
class Suite:
    """A pattern, and what its variants are compared with.

    Attributes:
        pattern: Whose variants are compared.
        limit: What they are compared with.
        tuned: The size along the pattern's first axis at which tuned variants are compared.
        streaming: The same for streaming variants, which take longer.
        naive: The same for naive ones and traps, which would take minutes and gigabytes.
        growth: The largest size of the curve of costs; that of naive variants if it is 0.
        name: The suite's, where a pattern has several.
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
        """What the report calls it."""
        return self.name or self.pattern.name

    @property
    def axis(self) -> str:
        """What the sizes count."""
        return next(iter(self.pattern.axes))

    @property
    def variants(self) -> pytest.MarkDecorator:
        """A test for each variant."""
        ids = [variant.name for variant in self.pattern.variants]
        return pytest.mark.parametrize("variant", self.pattern.variants, ids=ids)

    def size_of(self, variant: Variant) -> int:
        """Return the size at which a variant is compared."""
        sizes = {"tuned": self.tuned, "streaming": self.streaming}
        return sizes.get(variant.role, self.naive)

    def sizes(self, size: int) -> dict[str, int]:
        """Return a size along the axis, together with the options."""
        return {self.axis: size, **self.options}


@contextmanager
def opened_variant(suite: Suite, variant: Variant, size: int) -> Iterator[Callable[[], int]]:
    """Give a variant its world, and yield a call that runs it and takes its answer to the end."""
    fixed = {**suite.pattern.fixed, suite.axis: size}
    options = {name: value for name, value in suite.options.items() if variant.takes(name)}
    with suite.pattern.world(**fixed) as given:
        arguments = given if isinstance(given, tuple) else (given,)
        yield lambda: sent(variant.run(*arguments, **options))


def sent(answer: Any) -> int:
    """Take an answer to its end, as a server does; return how many bytes of it were sent."""
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
