"""Default sizes are enough to see the smallest leak, whatever is measured."""

from itertools import pairwise

import pytest

from lab.claim import AXES
from lab.curves.limits import RESOLUTION, SMALLEST_LEAK, default_sizes


@pytest.mark.parametrize("noise", [0, 128 * 1024, 512 * 1024])
@pytest.mark.parametrize("axis", AXES)
def test_default_sizes_span_the_smallest_leak(axis, noise):
    sizes = default_sizes(axis, noise)
    assert len(sizes) == 5
    assert all(larger == 2 * smaller for smaller, larger in pairwise(sizes))
    assert (sizes[-1] - sizes[0]) * SMALLEST_LEAK.get(axis, 1.0) > RESOLUTION["heap"] + noise


def test_functions_and_endpoints_have_round_sizes():
    assert default_sizes("n") == (8_000, 16_000, 32_000, 64_000, 128_000)
    assert default_sizes("rows", 128 * 1024) == (16_000, 32_000, 64_000, 128_000, 256_000)
