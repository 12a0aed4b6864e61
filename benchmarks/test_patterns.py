"""How long each variant takes beside the others of its pattern; the answer is checked each time."""

from typing import Any

import pytest

from lab.pattern import open_variant
from lab.patterns import PATTERNS

SIZES = {"rows": 5_000, "bytes": 1_000_000}


@pytest.mark.parametrize(
    ("pattern", "variant"),
    [
        pytest.param(pattern, variant, id=f"{pattern.name}-{variant.name}")
        for pattern in PATTERNS
        for variant in pattern.variants
    ],
)
def test_variant(pattern: Any, variant: Any, benchmark: Any) -> None:
    """Time one variant in a world that is opened anew for every round."""
    benchmark.group = pattern.name
    sizes = {axis: SIZES[axis] for axis in pattern.fixed if axis in SIZES}
    declared = f"{pattern.module_name}:PATTERN"
    with pattern.prepare(**{**pattern.fixed, **sizes}):
        with open_variant(declared, pattern.first("streaming").name, sizes) as run:
            expected = run().digest
        worlds = []

        def opened() -> tuple[tuple[Any, ...], dict[str, Any]]:
            while worlds:
                worlds.pop().__exit__(None, None, None)
            worlds.append(open_variant(declared, variant.name, sizes))
            return (worlds[-1].__enter__(),), {}

        outcome = benchmark.pedantic(lambda run: run(), setup=opened, rounds=5, warmup_rounds=1)
        worlds.pop().__exit__(None, None, None)
    benchmark.extra_info["counts"] = dict(outcome.counts)
    assert (outcome.digest == expected) or variant.springs == "answer"
