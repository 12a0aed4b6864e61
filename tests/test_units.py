"""Parsing and formatting of amounts and sizes."""

import pytest

from lab.errors import LabError
from lab.units import (
    doubling,
    parse_bytes,
    parse_sizes,
    show_bytes,
    show_count,
    show_per_item,
    show_seconds,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("64KiB", 65_536),
        ("2 GB", 2 * 10**9),
        ("1.5MiB", 1_572_864),
        ("8000", 8_000),
        ("1_000b", 1_000),
    ],
)
def test_amounts_are_read(text, amount):
    assert parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "2 apples", "1e9", "1,5MB"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(LabError, match="is not a valid amount of memory"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (0.00004, "0 B"),
        (0.046, "0.05 B"),
        (0.5, "0.50 B"),
        (36, "36.0 B"),
        (999.4, "999 B"),
        (999.6, "1.00 kB"),
        (65_536, "65.5 kB"),
        (5_372_357, "5.37 MB"),
        (2_112_597_249, "2.11 GB"),
        (-65_536, "-65.5 kB"),
    ],
)
def test_amounts_are_written_in_three_figures(amount, text):
    assert show_bytes(amount) == text


def test_slopes_counts_and_times_are_written():
    assert show_per_item(2_140, "row") == "2.14 kB per row"
    assert show_count(1_000_000) == "1,000,000"
    assert show_seconds(0.814) == "0.81 s"


def test_sizes_double_or_are_listed():
    assert parse_sizes("8000..128000") == doubling(8_000, 128_000)
    assert parse_sizes("8_000..20_000") == (8_000, 16_000)
    assert parse_sizes("1, 2,10") == (1, 2, 10)


@pytest.mark.parametrize(
    "text", ["", "a..b", "10..5", "0..8", "-1,2", "3,2", "1,1", "1.5,2", "8.."]
)
def test_what_are_no_sizes_is_refused(text):
    with pytest.raises(LabError):
        parse_sizes(text)
