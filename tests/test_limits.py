"""At the lesson's full sizes, the streaming variants stay below a few megabytes of heap."""

import pytest

from lab.compare import measure_variant
from lab.patterns import PATTERNS

MIB = 1024 * 1024
SIZES = {
    "rows": ("rows", 1_000_000, 8 * MIB),
    "csv_export": ("rows", 1_000_000, 8 * MIB),
    "tag_counts": ("rows", 1_000_000, 8 * MIB),
    "file_download": ("bytes", 500_000_000, 3 * MIB),
    "csv_upload": ("bytes", 100_000_000, 8 * MIB),
}


def streaming():
    for pattern in PATTERNS:
        for variant in pattern.variants:
            if variant.role in ("streaming", "tuned"):
                yield pytest.param(pattern, variant, id=f"{pattern.name}-{variant.name}")


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "variant"), list(streaming()))
def test_peak_heap_at_full_size(pattern, variant, alone, monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_SCHEMA", "memory_lab_full")
    axis, size, most = SIZES[pattern.name]
    reading = measure_variant(pattern, variant, {axis: size}, schedule=alone)
    assert reading.error is None
    assert reading.value < most
