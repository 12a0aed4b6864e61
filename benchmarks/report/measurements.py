"""Read the measurements of the build folder as generated parts of the documents."""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.report import load_docs
from lab.errors import LabError

BENCH = Path("bench")
"""Folder of the benchmarks' JSON and pictures, in the build folder."""


def load_json(path: Path) -> dict[str, Any]:
    """Return a JSON document.

    Raises:
        LabError: The file cannot be read.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"cannot read {path} ({error}): run `make table docs` first.") from None
    return document


def description(svg: Path) -> str:
    """Return the description of a picture; empty if it has none.

    Raises:
        LabError: The file cannot be read.
    """
    try:
        match = re.search(r"<desc>(.*?)</desc>", svg.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"cannot read {svg}: {error.strerror}; run `make table docs`.") from None
    return match[1] if match else ""


def is_tenth(build: Path) -> bool:
    """Return whether a benchmark was run at a tenth of its size."""
    from benchmarks.report.comparisons import read

    return any(row.tenth for row in read(build / BENCH))


def speed_summary(build: Path) -> dict[str, str]:
    """Return the README's part about speed."""
    from benchmarks.report.comparisons import read
    from benchmarks.report.speed import summary

    return {"speed": summary(read(build / BENCH, "bench.json"))}


def speed_parts(build: Path) -> dict[str, str]:
    """Return the parts of docs/speed.md."""
    from benchmarks.report import speed
    from benchmarks.report.comparisons import read

    parts = speed.parts(read(build / BENCH, "bench.json"))
    if (build / BENCH / "bench-http.json").exists():
        parts["http"] = speed.over_http(read(build / BENCH))
    return parts


def speed_pictures(build: Path) -> list[str]:
    """Return the names of the pictures of docs/speed.md."""
    from benchmarks.report.comparisons import pictured, read, slug

    return [f"{slug(name)}.svg" for name in pictured(read(build / BENCH, "bench.json"))]


def production_parts(build: Path) -> dict[str, str]:
    """Return the parts of docs/production.md; none if it was not measured."""
    from benchmarks.report import production

    path = build / production.FILE
    return production.parts(load_json(path)) if path.exists() else {}


def is_quick_production(build: Path) -> bool:
    """Return whether production was measured with ``--quick``."""
    from benchmarks.report import production

    path = build / production.FILE
    return path.exists() and bool(load_json(path)["quick"])


def load_parts(build: Path) -> dict[str, str]:
    """Return the part about load of the README and docs/load.md."""
    return load_docs.parts(load_json(build / load_docs.FILE))
