"""The markers memory_budget and memory_growth: what they measure, and what they say."""

import re
import sys

import pytest

from lab.curves.limits import RESOLUTION
from lab.units import parse_bytes, show_bytes
from tests.helpers import just_above
from tests.plugin.plugin_runs import once, run_pytest, write

BUDGETS = """
    import pytest
    from lab.curves.limits import RESOLUTION
    from tests.measure.known_growth import only_in_c

    @pytest.mark.memory_budget(1_000_000 + RESOLUTION["heap"])
    def test_above():
        block = bytearray(1_000_000)

    @pytest.mark.memory_budget(peak=999_999)
    def test_below():
        block = bytearray(1_000_000)
        small = bytearray(400_000)
        smaller = bytearray(200_000)
        smallest = bytearray(100_000)

    @pytest.mark.memory_budget("8 MB")
    def test_native():
        only_in_c(500_000)

    @pytest.mark.parametrize("size", [
        1_000_000,
        pytest.param(2_000_000, marks=pytest.mark.memory_budget("2.1 MB")),
        pytest.param(3_000_000, marks=pytest.mark.memory_budget("2.1 MB")),
    ])
    def test_some(size):
        bytearray(size)

    @pytest.mark.parametrize("size", [
        1_000_000,
        pytest.param(2_000_000, marks=pytest.mark.memory_budget("2.1 MB")),
    ])
    @pytest.mark.memory_budget("900 kB")
    def test_each(size):
        bytearray(size)

    def test_unmarked():
        bytearray(50_000_000)

    first = []

    @pytest.mark.memory_budget("100 kB")
    def test_cold():
        first or first.append(bytearray(1_000_000))

    @pytest.mark.memory_budget("100 kB", warm_up=True)
    def test_warm():
        first or first.append(bytearray(1_000_000))
"""

ABOVE = """
    import pytest

    pytestmark = pytest.mark.memory_budget("100 kB")

    def test_of_module():
        bytearray(200_000)

    @pytest.mark.memory_budget("300 kB")
    class TestClass:
        def test_of_class(self):
            bytearray(200_000)

        @pytest.mark.memory_budget("400 kB")
        def test_own(self):
            bytearray(350_000)
"""

GROWTHS = """
    import lab
    import pytest

    SIZES = lab.doubling(8_000, 128_000)

    @pytest.mark.memory_growth("O(1)", over="n", sizes=SIZES)
    def test_flat(n):
        for i in range(n):
            float(i)

    @pytest.mark.memory_growth(lab.O(1), over="n", sizes="8000..128000")
    def test_leaks(n):
        kept = []
        for i in range(n):
            kept.append(float(i))

    @pytest.mark.memory_growth("O(n)", over="n", sizes=SIZES)
    def test_linear(n):
        bytearray(8 * n)

    @pytest.mark.memory_growth("O(rows)", over="rows", sizes=SIZES)
    def test_rows(rows):
        bytearray(8 * rows)

    @pytest.mark.memory_growth("O(n)", over="n", sizes=SIZES)
    def test_idle(n):
        assert n

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8..128")
    def test_short(n):
        assert n

    @pytest.mark.memory_growth("O(1)", over="n", sizes="8..128", allow_inconclusive=True)
    def test_allowed(n):
        assert n

    @pytest.mark.parametrize("by", [0, 10])
    @pytest.mark.memory_growth("O(1)", over="n", sizes=SIZES)
    def test_two(n, by):
        bytearray(by * n)

    @pytest.mark.memory_budget("100 kB")
    @pytest.mark.memory_growth("O(n)", over="n", sizes=SIZES)
    def test_high(n):
        bytearray(n)

    @pytest.mark.memory_budget("200 kB")
    @pytest.mark.memory_growth("O(n)", over="n", sizes=SIZES)
    def test_both(n):
        bytearray(n)

    @pytest.fixture
    def double(n):
        return bytearray(2 * n)

    @pytest.mark.memory_growth("O(1)", over="n", sizes=SIZES)
    def test_fixture(n, double):
        assert len(double) == 2 * n
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return once("markers", tmp_path_factory, _run)


def _run(folder):
    write(folder, test_budgets=BUDGETS, test_above=ABOVE, test_growths=GROWTHS)
    return run_pytest(folder)


GROWS = "[n=8000..128000]"


def test_a_block_is_above_a_budget_just_below_it_and_below_one_just_above(ran):
    assert ran.outcome("test_above") == "passed"
    assert ran.outcome("test_below") == "failed"
    assert just_above(ran.peak("test_above"), 1_000_000)


def test_a_failure_names_the_three_largest_lines(ran):
    """Each holds more than the interpreter may hold beside them."""
    text, peak = ran.text("test_below"), ran.peak("test_below")
    assert just_above(peak, 1_700_000)
    assert f"peak {show_bytes(peak)} is over the budget of 1.00 MB." in text
    assert "test_budgets.py:12 in test_below: block = bytearray(1_000_000)" in text
    assert "test_budgets.py:13 in test_below" in text
    assert "test_budgets.py:14 in test_below" in text
    assert "smallest" not in text
    assert "lab/" not in text
    assert "pluggy" not in text


def test_allocations_of_native_code_count(ran):
    assert ran.outcome("test_native") == "failed"
    assert "test_budgets.py:19 in test_native: only_in_c(500_000)" in ran.text("test_native")


def test_a_parameter_may_have_a_ceiling_of_its_own(ran):
    assert ran.outcome("test_some[2000000]") == "passed"
    assert ran.outcome("test_some[3000000]") == "failed"
    assert ran.outcome("test_each[1000000]") == "failed"
    assert ran.outcome("test_each[2000000]") == "passed"


def test_what_has_no_marker_is_not_measured(ran):
    for name in ("test_unmarked", "test_some[1000000]"):
        assert ran.outcome(name) == "passed"
        assert ran.tests[name]["properties"] == {}


def test_costs_of_the_first_use_count_unless_there_is_a_warm_up(ran):
    assert ran.outcome("test_cold") == "failed"
    assert ran.outcome("test_warm") == "passed"


def test_modules_and_classes_can_be_marked_and_the_closest_marker_holds(ran):
    assert ran.outcome("test_of_module") == "failed"
    assert ran.outcome("test_of_class") == "passed"
    assert ran.outcome("test_own") == "passed"


@pytest.mark.parametrize("name", ["test_flat", "test_linear", "test_both", "test_fixture"])
def test_a_claim_that_holds_is_kept(ran, name):
    assert ran.outcome(name + GROWS) == "passed"


def test_a_claim_about_rows_is_tested_over_an_argument_of_that_name(ran):
    assert ran.outcome("test_rows[rows=8000..128000]") == "passed"
    assert "8.00 B per row" in ran.output


def floats(n):
    """Return the bytes of a list that was filled with so many floats, one after the other."""
    kept = []
    for i in range(n):
        kept.append(float(i))
    return sys.getsizeof(kept) + sum(map(sys.getsizeof, kept))


def test_a_failure_says_the_claim_the_curve_and_the_lines_that_grow(ran):
    text = ran.text("test_leaks" + GROWS)
    per_item = float(ran.tests["test_leaks" + GROWS]["properties"]["bytes_per_item"])
    assert f"O(1) broken: grows with n: {show_bytes(per_item)} per item (95 % between " in text
    # A list has room for up to an eighth more than it holds, and how much more is chance.
    least = sys.getsizeof(0.0)
    assert least + 8 <= per_item <= least + 10
    curve = re.search(r"\n +n  peak heap\n +8,000 +(.+ kB)\n(?: .+\n)+128,000 +(.+ MB)\n", text)
    for n, shown in zip((8_000, 128_000), curve.groups(), strict=True):
        # Shown are three figures, and beside the list is what the interpreter needs.
        room = 0.005 * floats(n) + RESOLUTION["heap"]
        assert parse_bytes(shown) == pytest.approx(floats(n), abs=room)
    assert "What grows from 8,000 to 256,000:" in text
    assert "test_growths.py:16 in test_leaks: kept.append(float(i))" in text


def test_a_claim_of_growth_is_broken_by_what_does_not_grow(ran):
    assert "O(n) broken: does not grow with n" in ran.text("test_idle" + GROWS)


def test_what_cannot_be_told_fails_unless_that_is_allowed(ran):
    assert "O(1) inconclusive: too small to tell" in ran.text("test_short[n=8..128]")
    assert ran.outcome("test_allowed[n=8..128]") == "passed"


def test_growth_goes_with_other_parameters(ran):
    assert ran.outcome("test_two[n=8000..128000-0]") == "passed"
    assert ran.outcome("test_two[n=8000..128000-10]") == "failed"


def test_both_markers_hold_at_once(ran):
    text = ran.text("test_high" + GROWS)
    assert "at 128,000 is over the budget of 100 kB." in text
    assert "O(n) kept" in text


def test_figures_are_in_the_report_of_a_kept_test_and_in_junit(ran):
    shown = f"peak {show_bytes(ran.peak('test_above'))} is within the budget of 1.07 MB."
    assert re.search(rf"-- memory-lab --+\n{re.escape(shown)}", ran.output)
    assert ran.tests["test_linear" + GROWS]["properties"]["bytes_per_item"] == "8.0"
    assert ran.peak("test_linear" + GROWS) > 8 * 128_000


def test_nothing_is_left_in_the_folder_for_temporary_files(ran):
    assert ran.left == []
