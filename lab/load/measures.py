"""The figures of a load by name, as requirements and reports speak of them. Pure arithmetic."""

from collections.abc import Iterable, Sequence
from statistics import median

from lab.load.gauges import Sample
from lab.load.job import MANNERS, Plan
from lab.load.outcome import FIRST_BYTE, Outcome

GAUGES = {
    "rss": "resident_bytes",
    "connections": "connections",
    "descriptors": "descriptors",
    "threads": "threads",
    "pool": "pool_in_use",
}
"""Names of what the server has in use, and of the samples behind them."""

_PERCENTILES = ("p50", "p95", "p99")
_WARM = 60.0
"""Seconds at the beginning that growth does not look at; a quarter of a short load."""


def names(plan: Plan, manners: Iterable[str]) -> list[str]:
    """List the measures that a load with this plan will have."""
    rows = [f"{job.name}, {MANNERS[manner]}" for job in plan.jobs for manner in manners]
    rows += [job.name + FIRST_BYTE for job in plan.jobs]
    roles = [role.strip("/") for role in plan.roles if role]
    subjects = ["", "first byte ", *(f"{row} " for row in rows)]
    subjects += [f"{role} {row} " for role in roles for row in rows]
    timed = [subject + percentile for subject in subjects for percentile in _PERCENTILES]
    gauged = [*GAUGES, *(f"{name} growth" for name in GAUGES)]
    return ["failures", "requests", "refused", "throughput", *timed, *gauged]


def measures(outcome: Outcome) -> dict[str, float]:
    """Return what a load came to: seconds, bytes, ratios and counts, by name.

    A percentile of several rows is that of the worst of them. What a server has in use counts at
    its highest, and its growth from the end of the first minute, or quarter, to the end.
    """
    found: dict[str, float] = {
        "failures": outcome.failures / outcome.requests if outcome.requests else 0.0,
        "requests": outcome.requests,
        "refused": outcome.refused,
        "throughput": outcome.received / outcome.seconds if outcome.seconds > 0 else 0.0,
    }
    for row in outcome.entries:
        first = row.name.endswith(FIRST_BYTE)
        every = "first byte " if first else ""
        subjects = [f"{row.role} {row.name} ", f"{row.name} "]
        if first or row in outcome.asked:
            subjects.append(every)
        for percentile in _PERCENTILES:
            for subject in subjects:
                name = subject + percentile
                found[name] = max(found.get(name, 0.0), getattr(row, percentile))
    for name, key in GAUGES.items():
        values = [sample[key] for sample in outcome.series if key in sample]
        if values:
            found[name] = max(values)
            grown = growth(outcome.series, key)
            if grown is not None:
                found[f"{name} growth"] = grown
    return found


def growth(series: Sequence[Sample], key: str) -> float | None:
    """Return by what part a gauge is higher at the end than after the first minute.

    Medians of two stretches, each a sixth of what is left after the first minute: single samples
    see requests come and go. None where there are fewer than three samples in each.
    """
    values = [(sample["seconds"], sample[key]) for sample in series if key in sample]
    if not values:
        return None
    end = values[-1][0]
    begin = min(_WARM, end / 4)
    stretch = (end - begin) / 6
    first = [value for when, value in values if begin <= when <= begin + stretch]
    last = [value for when, value in values if when >= end - stretch]
    if min(len(first), len(last)) < 3:
        return None
    before = median(first)
    return (median(last) - before) / max(before, 1)
