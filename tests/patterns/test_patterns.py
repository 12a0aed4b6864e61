"""Every pattern and variant: the same answer, claims kept in both directions, traps that fail."""

import inspect
from itertools import pairwise

import pytest

from lab.claim import O
from lab.curves.curve import Curve, Point
from lab.curves.limits import RESOLUTION
from lab.curves.verdict import verdict
from lab.data.seed import build
from lab.measure.process_pool import Processes
from lab.pattern import ROLES, open_variant
from lab.patterns import PATTERNS
from lab.units import doubling
from lab.variants import (
    DifferentAnswersError,
    check_same_answers,
    data_for,
    sweep_variants,
    variant_workload,
)
from tests.helpers import MORE_CROWDS

QUIET_TABLE = 64_000
"""Rows; more than a quarter of the server's buffers, so that its scans are synchronised."""

pytestmark = pytest.mark.usefixtures("whole_table")

VARIANTS = [(pattern, variant) for pattern in PATTERNS for variant in pattern.variants]
NAMES = [f"{pattern.name}-{variant.name}" for pattern, variant in VARIANTS]
SIZES = {
    # The largest batch grows a little with their number, so the first size has many.
    "row_by_row": (20_000, 40_000, 60_000, 80_000, 100_000),
    "unordered_pages": doubling(8_000, 128_000),
}
"""Rows for traps with many statements: the fewest that distinguish a flat curve from a leak."""

QUICK = {"rows", "csv_export", "file_download", "bulk_load", "tag_counts"}
"""Patterns whose claims `make test` proves in both directions; `make test-slow` proves all."""

CROWDED = {"csv_export", "file_download", "tag_counts"}
"""Patterns whose cost per client `make test-slow` measures; `make everything` measures all.

A cursor that is read while it is sent, a file, and an aggregate: the others are made of these.
"""


LONG = {"row_by_row", "offset_pages", "keyset_pages"}
"""Variants that send many statements; `make everything` measures them."""


def first_memory_trap(pattern):
    """Return the first trap that fails by memory, None if there is none."""
    return next((trap for trap in pattern.variants if trap.fails_by == "memory"), None)


def duration(pattern, variant, axis):
    """Return the mark of a claim.

    `make test` has the first and the best answer of a few patterns. `make test-slow` has those of
    all patterns, with the first streaming variant and the first trap that fails by memory; the
    batches of one pattern; and what a client costs in a few. `make check` judges most of the
    further streaming variants, and `make everything` measures all.
    """
    worst, stream, best = pattern.first("naive"), pattern.first("streaming"), pattern.recommended
    if axis == "clients":
        crowded = pattern.name in CROWDED and variant.role != "naive"
        return [pytest.mark.slow if crowded else pytest.mark.full]
    few = (stream, best) if axis == "batch" else (worst, stream, best, first_memory_trap(pattern))
    if (
        variant not in few
        or variant.name in LONG
        or (axis == "batch" and pattern.name != "csv_export")
    ):
        return [pytest.mark.full]
    quick = variant in (worst, best) and pattern.name in QUICK
    return [] if quick else [pytest.mark.slow]


def claims():
    """List each axis that a variant's claim is about, and that is worth sweeping."""
    for pattern, variant in VARIANTS:
        for axis in pattern.axes:
            naive_beside = variant.role == "naive" and axis == "keys"
            if pattern.concerns(variant, axis) and not naive_beside:
                marks = duration(pattern, variant, axis)
                name = f"{pattern.name}-{variant.name}-{axis}"
                yield pytest.param(pattern, variant, axis, id=name, marks=marks)


def small_world(pattern):
    return {axis: sizes[0] // 4 for axis, sizes in pattern.axes.items() if axis in pattern.fixed}


def outcome_of(pattern, variant, sizes):
    with open_variant(f"{pattern.module_name}:PATTERN", variant.name, sizes) as run:
        return run()


@pytest.mark.parametrize(("pattern", "variant", "axis"), list(claims()))
def test_claim(pattern, variant, axis, kept_processes):
    """Peak memory grows along the axes of the claim, and along no other.

    The peak of many clients varies: where the first sizes are inconclusive, more sizes are taken,
    as the verdict says.
    """
    sizes = SIZES.get(variant.name) if axis == "rows" else None
    curve = sweep_variants(pattern, [variant], axis, sizes=sizes, schedule=kept_processes)[
        variant.name
    ]
    result = verdict(curve, variant.peak, per_client=variant.client_bytes)
    if axis == "clients" and result.finding == "inconclusive":
        assert result.reason.endswith("measure more sizes to decide")
        more = sweep_variants(pattern, [variant], axis, sizes=MORE_CROWDS, schedule=kept_processes)
        result = verdict(more[variant.name], variant.peak, per_client=variant.client_bytes)
    assert result.finding == "kept", result.reason


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_all_variants_give_the_same_answer(pattern):
    sizes = small_world(pattern)
    honest = [v for v in pattern.variants if v.fails_by != "answer"]
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


def mark_of_trap(pattern, variant):
    """Return the mark of a trap's proof: as long as its claim, if it fails by memory."""
    if variant.fails_by == "memory":
        return pytest.mark.slow if variant is first_memory_trap(pattern) else pytest.mark.full
    return pytest.mark.slow if variant.fails_by == "answer" else ()


def traps(fails_by):
    """List the traps that fail in one way."""
    params = [
        pytest.param(
            pattern,
            variant,
            id=f"{pattern.name}-{variant.name}",
            marks=mark_of_trap(pattern, variant),
        )
        for pattern, variant in VARIANTS
        if variant.fails_by == fails_by
    ]
    return pytest.mark.parametrize(("pattern", "variant"), params)


@traps("memory")
def test_a_memory_trap_breaks_the_claim_of_the_streaming_variant(pattern, variant, kept_processes):
    """On the readings of its own claim, which are in the store of this run."""
    axis = next(iter(pattern.axes))
    curve = sweep_variants(pattern, [variant], axis, schedule=kept_processes)[variant.name]
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
    """Sequential scans of a whole table start where the last scan stopped."""
    build(own_schema, QUIET_TABLE)
    trapped = outcome_of(pattern, variant, {"rows": QUIET_TABLE})
    right = outcome_of(pattern, pattern.first("streaming"), {"rows": QUIET_TABLE})
    assert trapped.digest != right.digest


def test_every_trap_fails_in_a_way_that_is_tested():
    """Under writes: test_writes.py; by status: test_before_the_stream.py; the others: here."""
    proved = {"memory", "statements", "answer", "answer under writes", "status"}
    assert {v.fails_by for _, v in VARIANTS if v.role == "trap"} <= proved


def test_chunks_are_of_the_size_that_was_asked_for():
    from lab.patterns.csv_export import PATTERN

    rows = {"rows": 2_000}
    lazy, joined = (outcome_of(PATTERN, PATTERN[n], rows) for n in ("row_by_row", "joined_chunks"))
    assert lazy.counts["chunks"] == 2_001
    assert joined.counts["chunks"] <= 1 + joined.counts["bytes"] / 65_536


@pytest.mark.parametrize(
    ("name", "noise"),
    [
        ("rows-load_all", 0.001),
        ("rows-columns_in_partitions", 0.001),
        ("file_download-small_chunks", 0.001),
        ("csv_export-copy_chunks", None),
    ],
)
def test_heap_repeats(name, noise):
    """Two processes agree within a thousandth; fixed addresses make most agree to the byte.

    `copy_chunks` has a second thread, and what two hold at one moment is chance: there it is the
    resolution of a verdict.
    """
    pattern, variant = VARIANTS[NAMES.index(name)]
    axis = next(iter(pattern.axes))
    size = pattern.axes[axis][0] // 8
    workload = variant_workload(pattern, variant, {axis: size})
    with data_for(pattern, axis, [size]), Processes() as processes:
        one, other = (processes.read(workload, "heap", 60).value for _ in range(2))
    assert abs(one - other) <= (noise * one if noise else RESOLUTION["heap"])


@pytest.mark.parametrize(("pattern", "variant"), VARIANTS, ids=NAMES)
def test_a_variant_is_declared_and_explained(pattern, variant):
    assert variant.role in ROLES
    assert variant.label.endswith(".")
    assert len(variant.label) <= 100
    assert (variant.role == "trap") == bool(variant.fails_by) == bool(variant.because)
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
