"""Figures of good runs as they stand in a file of baselines: read, and written for small diffs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.budgets.key import Key
from lab.errors import LabError
from lab.measure.sites import Site

FORMAT = 1

SITES = 10
"""Lines of code that are kept of a run."""

_INDENT = "  "


@dataclass(frozen=True)
class Figures:
    """A good run of one budget.

    Attributes:
        subject: What was measured.
        axis: What its sizes counted.
        points: Sizes, each with its peak in bytes.
        sites: The lines inside the project that held the most at the largest size.
    """

    subject: str
    axis: str
    points: tuple[tuple[int, int], ...]
    sites: tuple[Site, ...] = ()


@dataclass(frozen=True)
class Entry:
    """Figures that belong together.

    Attributes:
        key: What they belong to.
        when: The day on which one of them was last written.
        budgets: By name.
    """

    key: Key
    when: str
    budgets: Mapping[str, Figures]


def read_entries(path: Path) -> list[Entry]:
    """Read a file of baselines.

    Raises:
        LabError: It cannot be read, is damaged, or has another format.
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
                "install the one that wrote it, or write it anew with `lab check --update`."
            )
        return [_entry(found) for found in document["baselines"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None


def write_entries(entries: Sequence[Entry]) -> str:
    """Return the text of a file of baselines: in one order, a line for each point and site."""
    ordered = sorted(entries, key=lambda entry: str(entry.key))
    document = {"format": FORMAT, "baselines": [_entry_json(entry) for entry in ordered]}
    return "".join(_layout(document, "")) + "\n"


def _damaged(path: Path, what: str) -> LabError:
    return LabError(
        f"{path} is damaged ({what}): restore it, or delete it and run `lab check --update`."
    )


def _entry(found: Mapping[str, Any]) -> Entry:
    budgets = {name: _figures(one) for name, one in found["budgets"].items()}
    return Entry(Key.of_json(found["key"]), str(found["when"]), budgets)


def _figures(found: Mapping[str, Any]) -> Figures:
    points = tuple((int(size), int(peak)) for size, peak in found["points"])
    sites = tuple(Site(**site) for site in found["sites"])
    return Figures(str(found["subject"]), str(found["axis"]), points, sites)


def _entry_json(entry: Entry) -> dict[str, Any]:
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
    """Write what holds nothing nested in one line, and everything else over several."""
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
