"""The generated parts of `docs/production.md`: tables of settings and memory."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.generated_parts import EXTRAPOLATED
from lab.errors import LabError
from lab.load.memory_formula import Sizing
from lab.units import show_bytes, show_count, show_seconds

FILE = Path("production", "production.json")
"""File that ``python -m benchmarks.production`` writes, in the build folder."""

MARK = "production: "
"""Start of the names of the parts."""

LIMIT = 512 * 1024 * 1024
"""Memory limit of the worked example, in bytes."""

_EXPECTED = 32
"""Clients of the worked example."""

_ROLES = ("def", "naive", "streaming")


def parts(document: dict[str, Any]) -> dict[str, str]:
    """Return every part of the page by its name.

    Args:
        document: The JSON document of ``python -m benchmarks.production``.

    Raises:
        LabError: The document was measured with ``--quick``.
    """
    if document["quick"]:
        raise LabError("production was measured with --quick: run `make production`.")
    contents = {
        "example": _example(document["sizing"]),
        "sizing": _sizing(document["sizing"]),
        "fat": _fat(document["fat"]),
        "streams": _streams(document["in_flight"]),
        "where": _where(document["environment"]),
    }
    for scenario, (first, columns) in _TABLES.items():
        cases = [case for case in document["load"] if case["scenario"] == scenario]
        contents[scenario] = _load(first, cases, columns)
    return {MARK + name: text for name, text in contents.items()}


def _formula(case: dict[str, Any]) -> Sizing:
    return Sizing(case["base_bytes"], case["per_client_bytes"], case["most"])


def _example(cases: Sequence[dict[str, Any]]) -> str:
    """Apply the formula to the first request of each role."""
    lines = []
    for case in cases[:3]:
        sizing = _formula(case)
        fitting = sizing.clients(LIMIT)
        note = EXTRAPOLATED if sizing.extrapolated(fitting) else ""
        lines.append(
            f"- {case['name']}: {show_bytes(sizing.base)} + {_EXPECTED} x "
            f"{show_bytes(sizing.per_client)} = {show_bytes(sizing.memory(_EXPECTED))} for "
            f"{_EXPECTED} clients at once, so a limit of {show_bytes(sizing.limit(_EXPECTED))}; "
            f"under a limit of 512 MiB there is room for {show_count(fitting)} clients{note}."
        )
    return "\n".join(lines)


def _sizing(cases: Sequence[dict[str, Any]]) -> str:
    rows = []
    for case in cases:
        ratios = {
            key: [1 + point[key] for point in case["points"] if point[key] is not None]
            for key in ("error", "error_above_base")
        }
        peaks = [show_bytes(case["points"][at]["peak_bytes"]) for at in (0, -1)]
        rows.append(
            [
                case["name"],
                *(show_bytes(case[key]) for key in ("base_bytes", "per_client_bytes")),
                *peaks,
                *(f"{min(r):.2f} to {max(r):.2f}" for r in ratios.values()),
            ]
        )
    first, last = (cases[0]["points"][at]["clients"] for at in (0, -1))
    head = ["Request", "Base", "Per client", f"Peak at {first}", f"Peak at {last}"]
    return _table([*head, "Formula over peak", "the same, above the base"], rows)


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
"""First column of each table of cases, and the columns of each role."""


def _load(first: str, cases: Iterable[dict[str, Any]], columns: Sequence[_Column]) -> str:
    """Return a table with a line for each setting and the columns of every role."""
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


def _fat(cases: Iterable[dict[str, Any]]) -> str:
    rows = [
        [
            case["name"],
            show_bytes(case["before_bytes"]),
            *(show_bytes(case["after_bytes"][at]) for at in (0, 2, -1)),
            f"{case['processes']}",
            f"{case['whole']} of {case['requests']}",
            f"{case['refused'] + case['dropped']}",
        ]
        for case in cases
    ]
    head = ["Server", "Before", "After 1", "After 3", "At the end", "Processes"]
    return _table([*head, "Whole", "No answer"], rows)


def _streams(cases: Iterable[dict[str, Any]]) -> str:
    rows = []
    for case in cases:
        streams, others = case["streams"], case["others"]
        rows.append(
            [
                case["name"],
                *(f"{streams[key]}" for key in ("whole", "cut")),
                *(f"{others[key]}" for key in ("whole", "busy", "refused", "dropped")),
                show_seconds(others["longest_wait_seconds"]),
            ]
        )
    head = ["Server", "Streams whole", "cut", "Others whole", "503", "refused", "dropped"]
    return _table([*head, "longest wait"], rows)


def _where(versions: dict[str, Any]) -> str:
    servers = ", ".join(f"{name} {versions[name]}" for name in ("uvicorn", "gunicorn", "anyio"))
    return (
        f"{versions['implementation']} {versions['python']} on {versions['platform']} with "
        f"{versions['libc']} and {versions['cores']} cores, {servers}."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
