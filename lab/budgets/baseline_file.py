"""The file of baselines: read, and written so that diffs are small."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.budgets.baseline_key import Key
from lab.curves.allocation_sites import Site
from lab.errors import LabError

FORMAT = 1

SITES = 10
"""Most lines of code that an entry keeps of a run."""

_INDENT = "  "


@dataclass(frozen=True)
class Figures:
    """The figures of a good run of one budget.

    Attributes:
        subject: What was measured.
        axis: What the sizes count.
        points: Pairs of a size and its peak in bytes.
        sites: The lines inside the project that held the most memory at the largest size.
    """

    subject: str
    axis: str
    points: tuple[tuple[int, int], ...]
    sites: tuple[Site, ...] = ()


@dataclass(frozen=True)
class BaselineEntry:
    """The figures of all budgets that have the same key.

    Attributes:
        key: The versions, the platform and the witness of the figures.
        when: The ISO date of the last change.
        budgets: Figures by name of the budget.
    """

    key: Key
    when: str
    budgets: Mapping[str, Figures]


def read_entries(path: Path) -> list[BaselineEntry]:
    """Read a file of baselines.

    Raises:
        LabError: The file cannot be read, is damaged, or has another format.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}.") from None
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    try:
        version = document["format"]
        if version != FORMAT:
            raise LabError(
                f"{path} has format {version!r}, and this version of the lab reads {FORMAT}: "
                "install the version that wrote it, or delete it and run `lab check --update`."
            )
        return [_entry(entry) for entry in document["baselines"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None


def write_entries(entries: Sequence[BaselineEntry]) -> str:
    """Return the text of a file of baselines: entries in order, one line for each point or site."""
    ordered = sorted(entries, key=lambda entry: str(entry.key))
    document = {"format": FORMAT, "baselines": [_entry_json(entry) for entry in ordered]}
    return "".join(_layout(document, "")) + "\n"


def _damaged(path: Path, reason: str) -> LabError:
    return LabError(
        f"{path} is damaged ({reason}): restore it, or delete it and run `lab check --update`."
    )


def _entry(entry: Mapping[str, Any]) -> BaselineEntry:
    budgets = {name: _figures(figures) for name, figures in entry["budgets"].items()}
    return BaselineEntry(Key.of_json(entry["key"]), str(entry["when"]), budgets)


def _figures(figures: Mapping[str, Any]) -> Figures:
    points = tuple((int(size), int(peak)) for size, peak in figures["points"])
    sites = tuple(Site(**site) for site in figures["sites"])
    return Figures(str(figures["subject"]), str(figures["axis"]), points, sites)


def _entry_json(entry: BaselineEntry) -> dict[str, Any]:
    budgets = {
        name: {
            "subject": figures.subject,
            "axis": figures.axis,
            "points": [list(point) for point in figures.points],
            "sites": [asdict(site) for site in figures.sites],
        }
        for name, figures in sorted(entry.budgets.items())
    }
    return {"key": entry.key.as_json(), "when": entry.when, "budgets": budgets}


def _layout(value: Any, indent: str) -> Iterator[str]:
    """Yield JSON text: a flat list or object on one line, a nested one over several lines."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(part, dict | list) for part in parts):
        yield json.dumps(value, ensure_ascii=False)
        return
    inner = indent + _INDENT
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield opening
    for number, part in enumerate(value):
        yield f",\n{inner}" if number else f"\n{inner}"
        if isinstance(value, dict):
            yield f"{json.dumps(part, ensure_ascii=False)}: "
            yield from _layout(value[part], inner)
        else:
            yield from _layout(part, inner)
    yield f"\n{indent}{closing}"
