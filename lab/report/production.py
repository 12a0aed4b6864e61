"""The generated parts of `docs/production.md`: what settings did to real servers, as tables."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.report.parts import EXTRAPOLATED
from lab.sizing import Sizing
from lab.units import show_bytes, show_count, show_seconds

FILE = Path("production", "production.json")
"""What ``python -m benchmarks.production`` writes, in the folder of builds."""

MARK = "production: "
"""What the names of the parts begin with."""

LIMIT = 512 * 1024 * 1024
"""Bytes of the memory limit in the worked example."""

_EXPECTED = 32
_ROLES = ("def", "naive", "streaming")


def parts(document: dict[str, Any]) -> dict[str, str]:
    """Return every part of the page by its name.

    Args:
        document: What ``python -m benchmarks.production`` wrote.

    Raises:
        LabError: It was measured at quick sizes.
    """
    if document["quick"]:
        raise LabError("production was measured with --quick: run `make production`.")
    made = {
        "example": _example(document["sizing"]),
        "sizing": _sizing(document["sizing"]),
        "fat": _fat(document["fat"]),
        "streams": _streams(document["in_flight"]),
        "where": _where(document["environment"]),
    }
    for scenario, (first, columns) in _TABLES.items():
        cases = [case for case in document["load"] if case["scenario"] == scenario]
        made[scenario] = _load(first, cases, columns)
    return {MARK + name: text for name, text in made.items()}


def _found(one: dict[str, Any]) -> Sizing:
    return Sizing(one["base_bytes"], one["per_client_bytes"], one["most"])


def _example(found: Sequence[dict[str, Any]]) -> str:
    """Work the formula out for the first variants of each role."""
    lines = []
    for one in found[:3]:
        sizing = _found(one)
        fit = sizing.clients(LIMIT)
        beyond = EXTRAPOLATED if sizing.extrapolated(fit) else ""
        lines.append(
            f"- {one['name']}: {show_bytes(sizing.base)} + {_EXPECTED} x "
            f"{show_bytes(sizing.per_client)} = {show_bytes(sizing.memory(_EXPECTED))} for "
            f"{_EXPECTED} clients at once, so a limit of {show_bytes(sizing.limit(_EXPECTED))}; "
            f"under a limit of 512 MiB there is room for {show_count(fit)} clients{beyond}."
        )
    return "\n".join(lines)


def _sizing(found: Iterable[dict[str, Any]]) -> str:
    rows = []
    for one in found:
        ratios = {
            key: [1 + point[key] for point in one["points"] if point[key] is not None]
            for key in ("error", "error_above_base")
        }
        peaks = [show_bytes(one["points"][at]["peak_bytes"]) for at in (0, -1)]
        rows.append(
            [
                one["name"],
                *(show_bytes(one[key]) for key in ("base_bytes", "per_client_bytes")),
                *peaks,
                *(f"{min(r):.2f} to {max(r):.2f}" for r in ratios.values()),
            ]
        )
    first, last = (next(iter(found))["points"][at]["clients"] for at in (0, -1))
    head = ["Request", "Base", "A client", f"Peak at {first}", f"Peak at {last}"]
    return _table([*head, "Formula over peak", "the same above the base"], rows)


_Column = tuple[str, Callable[[dict[str, Any]], str]]

_PEAK: _Column = ("peak RSS", lambda case: show_bytes(case["peak_bytes"]))
_FULLEST: _Column = ("fullest worker", lambda case: show_bytes(case["fullest_bytes"]))
_RSS: _Column = ("all processes, RSS", lambda case: show_bytes(case["rss_bytes"]))
_PSS: _Column = ("PSS", lambda case: show_bytes(case["pss_bytes"]))
_ADDRESSES: _Column = ("addresses", lambda case: show_bytes(case["virtual_bytes"]))
_WHOLE: _Column = ("whole", lambda case: f"{case['whole']}")
_BUSY: _Column = ("503 (with Retry-After)", lambda case: f"{case['busy']} ({case['told_when']})")
_WAIT: _Column = ("longest wait", lambda case: show_seconds(case["longest_wait_seconds"]))

_TABLES: dict[str, tuple[str, tuple[_Column, ...]]] = {
    "workers": ("Server, workers", (_PEAK, _FULLEST, _RSS, _PSS)),
    "limit": ("`--limit-concurrency`", (_PEAK, _WHOLE, _BUSY)),
    "pool": ("Pool", (_PEAK, _WHOLE, _BUSY, _WAIT)),
    "threads": ("Threads", (_PEAK, _ADDRESSES, _WAIT)),
}
"""The tables of cases: what the settings are of, and what is shown of each role."""


def _load(first: str, cases: Iterable[dict[str, Any]], columns: Sequence[_Column]) -> str:
    """Write a line for each setting, with the cells of every role beside one another."""
    by_name: dict[str, dict[str, dict[str, Any]]] = {}
    for case in cases:
        by_name.setdefault(case["name"], {})[case["role"]] = case
    roles = [role for role in _ROLES if any(role in by for by in by_name.values())]
    head = [first, *(f"{role}: {name}" for role in roles for name, _ in columns)]
    rows = [
        [name, *(show(by[role]) if role in by else "" for role in roles for _, show in columns)]
        for name, by in by_name.items()
    ]
    return _table(head, rows)


def _fat(found: Iterable[dict[str, Any]]) -> str:
    rows = [
        [
            one["name"],
            show_bytes(one["before_bytes"]),
            *(show_bytes(one["after_bytes"][at]) for at in (0, 2, -1)),
            f"{one['processes']}",
            f"{one['whole']} of {one['requests']}",
            f"{one['refused'] + one['dropped']}",
        ]
        for one in found
    ]
    head = ["Server", "Before", "After 1", "After 3", "At the end", "Processes"]
    return _table([*head, "Whole", "No answer"], rows)


def _streams(found: Iterable[dict[str, Any]]) -> str:
    rows = []
    for one in found:
        streams, others = one["streams"], one["others"]
        rows.append(
            [
                one["name"],
                *(f"{streams[key]}" for key in ("whole", "cut")),
                *(f"{others[key]}" for key in ("whole", "busy", "refused", "dropped")),
                show_seconds(others["longest_wait_seconds"]),
            ]
        )
    head = ["Server", "Streams whole", "cut", "Others whole", "503", "refused", "dropped"]
    return _table([*head, "longest wait"], rows)


def _where(made: dict[str, Any]) -> str:
    servers = ", ".join(f"{name} {made[name]}" for name in ("uvicorn", "gunicorn", "anyio"))
    return (
        f"{made['implementation']} {made['python']} on {made['platform']} with {made['libc']} and "
        f"{made['cores']} cores, {servers}."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
