"""At the lesson's full sizes, the streaming variants stay below a few megabytes of heap."""

import pytest

from lab.patterns import PATTERNS
from lab.variants import sweep_variants

MIB = 1024 * 1024
SIZES = {
    "rows": ("rows", 1_000_000, 8 * MIB),
    "csv_export": ("rows", 1_000_000, 8 * MIB),
    "ndjson_export": ("rows", 1_000_000, 8 * MIB),
    "tag_counts": ("rows", 1_000_000, 8 * MIB),
    "file_download": ("bytes", 500_000_000, 3 * MIB),
    "csv_upload": ("bytes", 100_000_000, 8 * MIB),
    "bulk_load": ("bytes", 100_000_000, 2 * MIB),
}


def streaming():
    for pattern in (pattern for pattern in PATTERNS if pattern.name in SIZES):
        for variant in pattern.variants:
            if variant.role in ("streaming", "tuned"):
                yield pytest.param(pattern, variant, id=f"{pattern.name}-{variant.name}")


@pytest.mark.full
@pytest.mark.parametrize(("pattern", "variant"), list(streaming()))
def test_peak_heap_at_full_size(pattern, variant, alone, monkeypatch):
    monkeypatch.setenv("MEMORY_LAB_SCHEMA", "memory_lab_full")
    axis, size, most = SIZES[pattern.name]
    curve = sweep_variants(pattern, [variant], axis, sizes=(size,), schedule=alone)[variant.name]
    (point,) = curve.points
    assert point.error is None
    assert point.peak_heap_bytes < most
