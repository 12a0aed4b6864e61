"""The formula for memory limits: its arithmetic, its errors, and its fit to real peaks."""

import pytest

from benchmarks.production.clients import client_process
from benchmarks.production.sizing import CLIENTS, FITTED, Request, peaks
from lab.data.files import download_file
from lab.errors import LabError
from lab.load.memory_formula import TOLERANCE, Sizing, fit

MB = 1_000_000
BASE = 80 * MB


def grown(f, clients=FITTED):
    return {n: int(BASE + f(n)) for n in clients}


def test_exact_peaks_return_the_values_that_made_them():
    sizing = fit(BASE, grown(lambda n: n * 14 * MB))
    assert sizing == Sizing(BASE, 14 * MB, most=16)
    assert sizing.memory(0) == BASE
    assert sizing.memory(32) == BASE + 32 * 14 * MB


def test_the_larger_number_weighs_more():
    sizing = fit(BASE, {1: BASE + 14 * MB, 16: BASE + 160 * MB})
    assert sizing.per_client == pytest.approx((1 * 14 + 16 * 160) / (1 + 256) * MB, abs=1)


def test_a_limit_leaves_a_fifth_free_and_its_clients_fit_under_it():
    sizing = Sizing(BASE, 10 * MB, most=16)
    assert sizing.limit(32) == (BASE + 320 * MB) / 0.8
    assert sizing.clients(sizing.limit(32)) == 32
    assert sizing.clients(sizing.limit(32) - 20 * MB) == 30
    assert sizing.clients(400 * MB, spare=0) == 32


def test_no_client_fits_under_a_limit_below_the_base():
    assert Sizing(BASE, MB, most=16).clients(BASE) == 0


def test_more_than_twice_the_measured_clients_is_extrapolated():
    sizing = Sizing(BASE, MB, most=16)
    assert not sizing.extrapolated(32)
    assert sizing.extrapolated(33)


def test_the_base_hides_an_error_of_the_clients_part():
    sizing = Sizing(BASE, 2 * MB, most=16)
    peak = BASE + 10 * MB
    assert sizing.error(10, peak) == pytest.approx(10 / 90)
    assert sizing.error_above_base(10, peak) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("base", "measured", "message"),
    [
        (BASE, {4: BASE + MB}, "two peaks are needed"),
        (BASE, {0: BASE, 4: BASE + MB}, "two peaks are needed"),
        (BASE, {4: BASE, 16: BASE}, "no measurable memory"),
        (BASE, {4: BASE - MB, 16: BASE - MB}, "no measurable memory"),
    ],
)
def test_too_few_or_level_peaks_are_refused(base, measured, message):
    with pytest.raises(LabError, match=message):
        fit(base, measured)


@pytest.mark.parametrize("power", [1.5, 2])
def test_peaks_that_grow_faster_than_the_clients_are_refused(power):
    with pytest.raises(LabError, match="faster than the number of clients"):
        fit(BASE, grown(lambda n: MB * n**power))


def test_peaks_that_level_off_are_refused():
    """A pool or the threads were full: the line would be too high at few clients."""
    with pytest.raises(LabError, match="not in proportion"):
        fit(BASE, grown(lambda n: min(n, 5) * 40 * MB))


def test_a_peak_at_the_base_has_no_part_above_it():
    with pytest.raises(LabError, match="not above the base"):
        Sizing(BASE, MB, most=16).error_above_base(1, BASE)


@pytest.mark.parametrize("at_the_smallest", [0.01, 0.05, 0.2, 0.5, 1, 4])
def test_an_accepted_quadratic_cost_is_within_the_tolerance_at_twice_the_clients(at_the_smallest):
    """A cost too small to differ from a line is also too small to matter."""

    def square(n):
        return at_the_smallest * MB * n**2 / 16

    try:
        sizing = fit(BASE, grown(square))
    except LabError:
        return
    assert abs(sizing.error(32, BASE + int(square(32)))) <= TOLERANCE


EXPORT = "/posts/export.csv?rows="
MEASURED = {
    "naive": Request("naive", "/naive/downloads/download-8000000.bin", f"{EXPORT}100"),
    "streaming": Request("streaming", f"/streaming{EXPORT}20000", f"{EXPORT}100"),
    "tuned": Request("tuned", f"/tuned{EXPORT}20000", f"{EXPORT}100"),
}


@pytest.mark.slow
@pytest.mark.parametrize("role", MEASURED)
def test_the_formula_predicts_real_peaks_from_1_to_32_clients(role, whole_table):
    """Naive is a download: naive exports do not all peak at one moment."""
    download_file(8_000_000)
    with client_process() as process:
        base, measured = peaks(MEASURED[role], process)
    sizing = fit(base, {n: measured[n] for n in FITTED})
    assert tuple(measured) == CLIENTS
    for n, peak in measured.items():
        assert abs(sizing.error(n, peak)) <= TOLERANCE, (n, peak, sizing)
