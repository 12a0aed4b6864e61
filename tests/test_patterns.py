"""Every pattern and variant: the same answer, claims that hold both ways, traps that spring."""

import inspect
from itertools import pairwise

import pytest

from lab.compare import (
    DifferentAnswersError,
    check_same_answers,
    prepared,
    sweep_variants,
    variant_workload,
)
from lab.data.seed import build
from lab.measure.curve import Curve, Point
from lab.measure.process import Processes
from lab.measure.verdict import RESOLUTION, verdict
from lab.pattern import ROLES, O, open_variant
from lab.patterns import PATTERNS
from lab.units import doubling
from tests.helpers import MORE_CROWDS

QUIET_TABLE = 64_000
"""Rows that are more than a quarter of the server's buffers: its scans are synchronised."""

pytestmark = pytest.mark.usefixtures("whole_table")

VARIANTS = [(pattern, variant) for pattern in PATTERNS for variant in pattern.variants]
NAMES = [f"{pattern.name}-{variant.name}" for pattern, variant in VARIANTS]
SIZES = {
    # Of more batches the largest is a little larger, so the first size has many already.
    "row_by_row": (20_000, 40_000, 60_000, 80_000, 100_000),
    "unordered_pages": doubling(8_000, 128_000),
}
"""Rows for traps that send many statements: the fewest that can tell a flat curve from a leak."""

LONG = {"stream_rows", "page_by_page"}
"""Variants whose sweeps take half a minute."""

THREADED = {"copy_chunks", "copy_lines", "arrow_batches"}
"""Variants with a second thread, pyarrow's included: what two hold at once is chance."""


def at_leisure(pattern, variant):
    """Mark all but each pattern's first and best answer, which `make test-slow` sees to."""
    first_or_best = variant in (pattern.first("naive"), pattern.recommended)
    return [] if first_or_best and variant.name not in LONG else [pytest.mark.slow]


LEISURELY = [
    pytest.param(pattern, variant, id=name, marks=at_leisure(pattern, variant))
    for (pattern, variant), name in zip(VARIANTS, NAMES, strict=True)
]


def claims():
    """List each axis that a variant's claim says something about, and that is worth sweeping."""
    for pattern, variant in VARIANTS:
        for axis in pattern.axes:
            naive_beside = variant.role == "naive" and axis == "keys"
            if pattern.concerns(variant, axis) and not naive_beside:
                crowd = [pytest.mark.slow] if axis == "clients" else []
                marks = crowd or at_leisure(pattern, variant)
                name = f"{pattern.name}-{variant.name}-{axis}"
                yield pytest.param(pattern, variant, axis, id=name, marks=marks)


def small_world(pattern):
    return {axis: sizes[0] // 4 for axis, sizes in pattern.axes.items() if axis in pattern.fixed}


def outcome_of(pattern, variant, sizes):
    with open_variant(f"{pattern.module_name}:PATTERN", variant.name, sizes) as run:
        return run()


@pytest.mark.parametrize(("pattern", "variant", "axis"), list(claims()))
def test_claim(pattern, variant, axis, alone):
    """Peak memory grows along the axes that are claimed, and along no other.

    What clients need together is partly chance: a claim that their first sizes cannot tell is held
    against more of them, as its verdict says.
    """
    sizes = SIZES.get(variant.name) if axis == "rows" else None
    curve = sweep_variants(pattern, [variant], axis, sizes=sizes, schedule=alone)[variant.name]
    found = verdict(curve, variant.peak)
    if axis == "clients" and found.finding == "inconclusive":
        assert found.reason.endswith("take more sizes to tell")
        more = sweep_variants(pattern, [variant], axis, sizes=MORE_CROWDS, schedule=alone)
        found = verdict(more[variant.name], variant.peak)
    assert found.finding == "kept", found.reason


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_all_variants_give_the_same_answer(pattern):
    sizes = small_world(pattern)
    honest = [v for v in pattern.variants if v.springs != "answer"]
    answers = {v.name: outcome_of(pattern, v, sizes).digest for v in honest}
    assert len(set(answers.values())) == 1, answers


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_the_answer_depends_on_the_size(pattern):
    """A variant that loads nothing would answer the same at every size."""
    sizes = small_world(pattern)
    half = {axis: size // 2 for axis, size in sizes.items()}
    for variant in pattern.variants:
        assert outcome_of(pattern, variant, sizes).digest != (
            outcome_of(pattern, variant, half).digest
        )


def traps(spring):
    """List the traps that spring in one way."""
    found = [pair for pair in VARIANTS if pair[1].springs == spring]
    ids = [f"{pattern.name}-{variant.name}" for pattern, variant in found]
    return pytest.mark.parametrize(("pattern", "variant"), found, ids=ids)


@traps("memory")
def test_a_memory_trap_breaks_the_claim_of_the_streaming_variant(pattern, variant, alone):
    axis = next(iter(pattern.axes))
    curve = sweep_variants(pattern, [variant], axis, schedule=alone)[variant.name]
    assert verdict(curve, pattern.first("streaming").peak).finding == "broken"


@traps("statements")
def test_a_statement_trap_sends_one_for_most_rows(pattern, variant):
    rows = 2_000
    trapped = outcome_of(pattern, variant, {"rows": rows})
    right = outcome_of(pattern, pattern.first("streaming"), {"rows": rows})
    assert trapped.digest == right.digest
    assert trapped.counts["statements"] > rows / 2
    assert right.counts["statements"] == 1


@traps("answer")
def test_an_answer_trap_is_wrong_on_a_whole_quiet_table(pattern, variant, own_schema):
    """Whole, a table is read by sequential scans, each starting where the last one stopped."""
    build(own_schema, QUIET_TABLE)
    trapped = outcome_of(pattern, variant, {"rows": QUIET_TABLE})
    right = outcome_of(pattern, pattern.first("streaming"), {"rows": QUIET_TABLE})
    assert trapped.digest != right.digest


def test_every_trap_springs_in_a_way_that_is_proved():
    """Under writes: tests/test_writes.py; by their status: tests/test_before_the_stream.py."""
    proved = {"memory", "statements", "answer", "answer under writes", "status"}
    assert {v.springs for _, v in VARIANTS if v.role == "trap"} <= proved


def test_chunks_are_of_the_size_that_was_asked_for():
    from lab.patterns.csv_export import PATTERN

    rows = {"rows": 2_000}
    lazy, joined = (outcome_of(PATTERN, PATTERN[n], rows) for n in ("row_by_row", "joined_chunks"))
    assert lazy.counts["chunks"] == 2_001
    assert joined.counts["chunks"] <= 1 + joined.counts["bytes"] / 65_536


@pytest.mark.parametrize(("pattern", "variant"), LEISURELY)
def test_heap_repeats(pattern, variant):
    """Five runs agree within a thousandth, or a kilobyte; fixed addresses make most equal.

    Two threads agree within what the verdict takes for noise.
    """
    axis = next(iter(pattern.axes))
    size = pattern.axes[axis][0] // 8
    workload = variant_workload(pattern, variant, {axis: size})
    with prepared(pattern, axis, [size]), Processes() as processes:
        peaks = [processes.read(workload, "heap", 60).value for _ in range(5)]
    alike = max(1_000, min(peaks) / 1_000)
    noise = RESOLUTION["heap"] if variant.name in THREADED else alike
    assert max(peaks) - min(peaks) <= noise, peaks


@pytest.mark.parametrize(("pattern", "variant"), VARIANTS, ids=NAMES)
def test_a_variant_is_declared_and_explained(pattern, variant):
    assert variant.role in ROLES
    assert variant.label.endswith(".")
    assert len(variant.label) <= 100
    assert (variant.role == "trap") == bool(variant.springs) == bool(variant.why)
    assert f"def {variant.name}(" in variant.source
    assert inspect.getmodule(variant.run) is pattern.module
    assert set(variant.peak.axes) <= set(pattern.axes)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_a_pattern_goes_from_the_worst_answer_to_the_best(pattern):
    order = [ROLES.index(variant.role) for variant in pattern.variants]
    assert order == sorted(order)
    assert pattern.first("naive").peak != pattern.first("streaming").peak
    assert pattern.question.endswith("?")
    assert set(pattern.fixed) <= set(pattern.axes)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_sizes_double_and_begin_with_several_batches(pattern):
    for axis, sizes in pattern.axes.items():
        assert len(sizes) >= 5
        assert axis == "clients" or all(b == 2 * a for a, b in pairwise(sizes))
        if axis == "rows":
            for variant in pattern.variants:
                assert sizes[0] >= 4 * (variant.default("batch") or 0)


def test_variants_that_answer_differently_are_refused():
    from lab.patterns.rows import PATTERN

    curves = {
        name: Curve(name, "rows", (Point(8_000, 1, digest=digest),))
        for name, digest in (("load_all", "a"), ("yield_per", "b"))
    }
    with pytest.raises(DifferentAnswersError, match="yield_per gives another answer than load_all"):
        check_same_answers(PATTERN, curves)


def test_a_trap_that_is_declared_to_answer_differently_is_let_pass():
    from lab.patterns.tag_counts import PATTERN

    curves = {
        name: Curve(name, "rows", (Point(8_000, 1, digest=digest),))
        for name, digest in (("count_objects", "a"), ("unordered_pages", "b"))
    }
    check_same_answers(PATTERN, curves)


@pytest.mark.parametrize("text", ["O(1)", "O(batch)", "O(rows + keys)", 'O("batch")'])
def test_claims_are_read_as_they_are_written(text):
    assert str(O.parse(text)) == text.replace('"', "")
