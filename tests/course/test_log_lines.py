"""The first lesson's lens: what a free gives back, and functions beside one another."""

import pytest

from lab.course.cells.freeing import STAGES, what_comes_back
from lab.course.cells.side_by_side import beside
from lab.course.examples import log_lines
from lab.course.inputs.posts import unseen_numbers
from lab.units import parse_bytes

LENS = "lab.course.examples.log_lines"
SIZES = (2_000, 16_000)


@pytest.fixture(scope="module")
def stages():
    """The figures of each stage, in bytes: peak, heap and resident set."""
    rows = what_comes_back().rows
    return {name: tuple(map(parse_bytes, figures)) for name, *figures in rows}


def test_a_peak_outlasts_what_it_was_made_of(stages):
    first = stages[STAGES[0]][0]
    assert all(peak == pytest.approx(first, rel=0.05) for peak, _, _ in stages.values())


def test_the_heap_goes_down_with_a_free_and_the_resident_set_does_not(stages):
    (_, heap, resident), (_, heap_kept, resident_kept) = (stages[name] for name in STAGES[:2])
    assert heap_kept < heap / 50
    assert resident_kept > resident / 2


def test_what_is_free_is_used_again(stages):
    resident, again = stages[STAGES[0]][2], stages[STAGES[2]][2]
    assert again < resident * 1.2


def test_empty_arenas_go_back(stages):
    resident, none = stages[STAGES[0]][2], stages[STAGES[3]][2]
    assert none < resident / 2


@pytest.mark.parametrize(
    ("lazy", "holding"),
    [
        ("add_up_a_generator", "add_up_a_list"),
        ("longest_by_max", "longest_by_sorting"),
        ("mean_in_one_pass", "mean_by_tee"),
    ],
)
def test_one_function_stays_level_and_the_other_grows_with_the_same_answer(lazy, holding):
    assert getattr(log_lines, lazy)(1_234) == getattr(log_lines, holding)(1_234)
    card = beside(SIZES, lazy=f"{LENS}:{lazy}", holding=f"{LENS}:{holding}")
    (level, small), (still, large) = (map(parse_bytes, row[1:]) for row in card.rows)
    assert still == pytest.approx(level, rel=0.1)
    assert large > 6 * small


def test_functions_that_answer_differently_are_not_shown_beside_one_another():
    card = beside(SIZES, sum=f"{LENS}:add_up_a_list", longest=f"{LENS}:longest_by_max")
    assert card.sentence == (
        "sum and longest give different answers: compare targets that give the same."
    )


def test_numbers_are_other_ones_for_another_salt_and_a_thousand_of_them_are_0():
    with unseen_numbers(2_500, 1) as one, unseen_numbers(2_500, 2) as another:
        first, second = list(one), list(another)
    assert len(first) == len(second) == 2_500
    assert first != second
    assert first[1_000:2_000] == second[:1_000] == [0] * 1_000
