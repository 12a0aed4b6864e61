"""The measures of a load by name, as requirements and reports use them. Pure arithmetic."""

from collections.abc import Iterable, Sequence
from statistics import median

from lab.load.plan import BEHAVIOURS, Plan
from lab.load.result import FIRST_BYTE, LoadResult
from lab.load.server_samples import Sample

SERVER_MEASURES = {
    "rss": "resident_bytes",
    "connections": "connections",
    "descriptors": "descriptors",
    "threads": "threads",
    "pool": "pool_in_use",
}
"""Measures of the server, with the keys of the samples that they come from."""

_PERCENTILES = ("p50", "p95", "p99")
_WARM = 60.0
"""Seconds at the start that growth ignores; in a short load, a quarter of it."""


def measure_names(plan: Plan, behaviours: Iterable[str]) -> list[str]:
    """List the names of the measures that a load with this plan has."""
    rows = [f"{job.name}, {BEHAVIOURS[behaviour]}" for job in plan.jobs for behaviour in behaviours]
    rows += [job.name + FIRST_BYTE for job in plan.jobs]
    roles = [role.strip("/") for role in plan.roles if role]
    subjects = ["", "first byte ", *(f"{row} " for row in rows)]
    subjects += [f"{role} {row} " for role in roles for row in rows]
    times = [subject + percentile for subject in subjects for percentile in _PERCENTILES]
    growths = [f"{name} growth" for name in SERVER_MEASURES]
    return ["failures", "requests", "refused", "throughput", *times, *SERVER_MEASURES, *growths]


def measures(result: LoadResult) -> dict[str, float]:
    """Return the measures of a load by name: seconds, bytes, ratios and counts.

    A percentile of several rows is the highest of them. A measure of the server is its maximum; its
    growth is from the end of the first minute, or of the first quarter, to the end.
    """
    by_name: dict[str, float] = {
        "failures": result.failures / result.requests if result.requests else 0.0,
        "requests": result.requests,
        "refused": result.refused,
        "throughput": throughput(result),
    }
    for row in result.entries:
        is_first_byte = row.name.endswith(FIRST_BYTE)
        subjects = [f"{row.role} {row.name} ", f"{row.name} "]
        if is_first_byte or row in result.request_rows:
            subjects.append("first byte " if is_first_byte else "")
        for percentile in _PERCENTILES:
            for subject in subjects:
                name = subject + percentile
                by_name[name] = max(by_name.get(name, 0.0), getattr(row, percentile))
    for name, key in SERVER_MEASURES.items():
        values = [sample[key] for sample in result.series if key in sample]
        if values:
            by_name[name] = max(values)
            ratio = growth(result.series, key)
            if ratio is not None:
                by_name[f"{name} growth"] = ratio
    return by_name


def throughput(result: LoadResult) -> float:
    """Return the bytes per second of a load."""
    return result.received / result.seconds if result.seconds > 0 else 0.0


def growth(series: Sequence[Sample], key: str) -> float | None:
    """Return the growth of a sampled value after the first minute, as a ratio of its start.

    It compares the medians of two stretches, each a sixth of the time after the first minute:
    single samples vary as requests come and go.

    Returns:
        None if one of the stretches has fewer than three samples.
    """
    values = [(sample["seconds"], sample[key]) for sample in series if key in sample]
    if not values:
        return None
    end = values[-1][0]
    start = min(_WARM, end / 4)
    stretch = (end - start) / 6
    first = [value for when, value in values if start <= when <= start + stretch]
    last = [value for when, value in values if when >= end - stretch]
    if min(len(first), len(last)) < 3:
        return None
    before = median(first)
    return (median(last) - before) / max(before, 1)
