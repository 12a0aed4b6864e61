"""The generated parts of the documents: written from a measurement, checked against a new one.

Run as ``python -m lab.report.readme --write BUILD`` or ``--check BUILD``, BUILD being the folder in
which ``table/table.json``, ``traps/traps.json``, ``bench/bench.json`` and ``load/load.json`` are,
and maybe ``production/production.json``.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.report import load_docs
from lab.report.json import write_text
from lab.report.parts import (
    EXTRAPOLATED,
    differences,
    fill,
    marked,
    same_but_for_figures,
    same_but_for_numbers,
    same_but_for_results,
    same_within_tolerance,
)

README = Path("README.md")
PICTURE = Path("docs/export-1000000-rows.svg")
SPEED = Path("docs", "speed.md")
PICTURES = Path("docs", "speed")
PRODUCTION = Path("docs", "production.md")
LOAD = Path("docs", "load.md")
PATTERNS_PAGE = Path("docs", "patterns.md")
TRAPS_PAGE = Path("docs", "traps.md")
TABLE = Path("table", "table.json")
BENCH = Path("bench")
TRAPS = Path("traps", "traps.json")


CIRCUMSTANCES = ("table", "speed")
"""Parts that end with a line about where they were measured."""


def parts(table: dict[str, Any]) -> dict[str, str]:
    """Return the README's own parts by their names.

    Args:
        table: The JSON document that `lab table` wrote.
    """
    return {"table": _table(table), "commands": _commands()}


def check(readme: Path, build: Path) -> list[str]:
    """Return what is out of date in the README, in the page about speed, and in their pictures."""
    document = _load(build / TABLE)
    if document["quick"]:
        raise LabError(f"{build / TABLE} was measured with --quick; the README shows full sizes.")
    text = readme.read_text(encoding="utf-8")
    # Objects have other sizes in other versions: there, the verdicts have to be the same.
    circumstances = _circumstances(document)
    measured = same_within_tolerance if circumstances in text else same_but_for_figures
    same = {"table": measured, "speed": same_but_for_numbers}
    found = _changed(readme, parts(document) | _speed(build), same)
    sprung = {"traps": trap_rows(_load(build / TRAPS))}
    found += _changed(TRAPS_PAGE, sprung, {"traps": same_but_for_results})
    compared = _comparisons(build)
    found += _changed(SPEED, compared, dict.fromkeys(compared, same_but_for_numbers))
    loaded = _loaded(build)
    found += _changed(README, loaded, dict.fromkeys(loaded, same_but_for_numbers))
    found += _changed(LOAD, loaded, dict.fromkeys(loaded, same_but_for_numbers))
    found += _changed(PATTERNS_PAGE, {"patterns": _patterns()}, {})
    for name in load_docs.PICTURES:
        old, new = _description(LOAD.with_suffix("") / name), _description(build / "load" / name)
        found += differences(old, new, same_but_for_numbers)
    # A quick look has fewer rows than the page.
    operated = {} if _quick_production(build) else _production(build)
    if operated:
        found += _changed(PRODUCTION, operated, dict.fromkeys(operated, same_but_for_numbers))
    fresh = (build / TABLE).with_name(PICTURE.name)
    found += differences(_description(PICTURE), _description(fresh), measured)
    for name in _pictures(build):
        old, new = _description(PICTURES / name), _description(build / BENCH / name)
        found += differences(old, new, same_but_for_numbers)
    return found


def _changed(
    path: Path, contents: dict[str, str], same: Mapping[str, Callable[[str, str], bool]]
) -> list[str]:
    """Compare the parts of a document with what they would be now."""
    _whole(path, contents)
    text = path.read_text(encoding="utf-8")
    found = []
    for name, new in contents.items():
        block = marked(name).search(text)
        if block is None:
            raise LabError(f"{path} has no marks for the generated part {name!r}.")
        old = block[2].strip("\n")
        if name in CIRCUMSTANCES:
            old, new = (part.rpartition("\n\n")[0] for part in (old, new))  # noqa: PLW2901
        found += differences(old, new, same.get(name, str.__eq__))
    return found


def write(readme: Path, build: Path) -> None:
    """Write the generated parts anew, and the pictures beside them.

    Speed is left as it is where it was not measured: it takes ten minutes of a quiet machine.
    """
    contents = parts(_load(build / TABLE))
    measured = (build / BENCH / "bench.json").exists()
    if measured and _tenth(build):
        raise LabError("the benchmarks were run at a tenth of their sizes: run `make bench`.")
    if measured:
        _whole(SPEED, _comparisons(build))
    _fill(readme, contents | (_speed(build) if measured else {}))
    _copy((build / TABLE).with_name(PICTURE.name), PICTURE)
    if measured:
        _fill(SPEED, _comparisons(build))
        for name in _pictures(build):
            _copy(build / BENCH / name, PICTURES / name)
    if operated := _production(build):
        _fill(PRODUCTION, operated)
    _fill(PATTERNS_PAGE, {"patterns": _patterns()})
    _fill(TRAPS_PAGE, {"traps": trap_rows(_load(build / TRAPS))})
    if (build / load_docs.FILE).exists():
        if _load(build / load_docs.FILE)["quick"]:
            raise LabError("the load was a quick look: run `make load`.")
        for path in (readme, LOAD):
            _fill(path, _loaded(build))
        for name in load_docs.PICTURES:
            _copy(build / "load" / name, LOAD.with_suffix("") / name)


def _whole(path: Path, contents: dict[str, str]) -> None:
    """Refuse to leave parts of the page about speed as they were beside others that are new.

    Raises:
        LabError: A suite was not run.
    """
    if path != SPEED:
        return
    marks = re.findall(r"<!-- generated: (speed: [\w-]+) -->", path.read_text(encoding="utf-8"))
    if missing := [name for name in marks if name not in contents]:
        raise LabError(f"{', '.join(missing)} was not measured: run `make bench` whole.")


def _tenth(build: Path) -> bool:
    from lab.report.comparisons import read

    return any(one.tenth for one in read(build / BENCH))


def _fill(path: Path, contents: dict[str, str]) -> None:
    _whole(path, contents)
    write_text(path, fill(path.read_text(encoding="utf-8"), contents, path))


def _copy(source: Path, target: Path) -> None:
    write_text(target, source.read_text(encoding="utf-8"))


def _speed(build: Path) -> dict[str, str]:
    """Return the README's part about speed."""
    from lab.report.comparisons import read
    from lab.report.speed import summary

    return {"speed": summary(read(build / BENCH, "bench.json"))}


def _comparisons(build: Path) -> dict[str, str]:
    from lab.report import speed
    from lab.report.comparisons import read

    found = speed.parts(read(build / BENCH, "bench.json"))
    if (build / BENCH / "bench-http.json").exists():
        found["http"] = speed.over_http(read(build / BENCH))
    return found


def _production(build: Path) -> dict[str, str]:
    """Return the parts of the page about production; none where it was not measured."""
    from lab.report import production

    path = build / production.FILE
    return production.parts(_load(path)) if path.exists() else {}


def _quick_production(build: Path) -> bool:
    from lab.report import production

    path = build / production.FILE
    return path.exists() and bool(_load(path)["quick"])


def _loaded(build: Path) -> dict[str, str]:
    return load_docs.parts(_load(build / load_docs.FILE))


def _pictures(build: Path) -> list[str]:
    """Return the names of the pictures of comparisons, which are in the documents."""
    from lab.report.comparisons import pictured, read, slug

    return [f"{slug(name)}.svg" for name in pictured(read(build / BENCH, "bench.json"))]


def main() -> None:
    """Write or check, as the command line says."""
    parser = argparse.ArgumentParser(description="Write or check the README's generated parts.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", metavar="BUILD", type=Path)
    action.add_argument("--check", metavar="BUILD", type=Path)
    options = parser.parse_args()
    try:
        if options.write:
            write(README, options.write)
            return
        found = check(README, options.check)
    except LabError as error:
        sys.exit(f"readme: {error}")
    if found:
        print("\n".join(found))
        sys.exit("readme: the generated parts are out of date: run `make table bench docs`.")
    print("The generated parts of the README are current.")


def _table(document: dict[str, Any]) -> str:
    from lab.units import show_bytes

    lines = [
        "| Scenario | Approach | The lesson says | Naive: heap, RSS | Streaming: heap, RSS "
        "| Growth found | Verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in document["rows"]:
        naive, streaming = (
            f"{show_bytes(m['peak_heap_bytes'])}, {show_bytes(m['peak_rss_bytes'])}"
            + (EXTRAPOLATED if m["extrapolated"] else "")
            for m in (row["naive"], row["streaming"])
        )
        printed = row["printed"]
        as_printed = f"; as the lesson codes it: **{printed['wrong']}**" if printed else ""
        lines.append(
            f"| {row['scenario']} | {row['approach']} | {row['says']} | {naive} | {streaming} "
            f"| {row['growth']} | **{row['verdict']}**{as_printed} |"
        )
    return "\n".join([*lines, "", _circumstances(document)])


def trap_rows(document: dict[str, Any]) -> str:
    """Return the table of traps.

    Raises:
        LabError: One does not spring any more.
    """
    lines = ["| Said | What happens | Done so | Done right |", "|---|---|---|---|"]
    for trap in document["traps"]:
        if not trap["holds"]:
            raise LabError(
                f"the trap {trap['name']} does not spring any more ({trap['wrong']}, instead of "
                f"{trap['right']}): mend it, or take it out."
            )
        cells = (trap[key].replace("|", "\\|") for key in ("said", "label", "wrong", "right"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _circumstances(document: dict[str, Any]) -> str:
    made = document["environment"]
    minor = ".".join(made["python"].split(".")[:2])
    libraries = ", ".join(f"{name} {made[name]}" for name in ("sqlalchemy", "memray"))
    return f"{made['implementation']} {minor} on {made['platform']}, {libraries}."


def _patterns() -> str:
    from lab.patterns import PATTERNS

    return "\n".join(
        f"- [`{p.name}`](../lab/patterns/{p.name}.py): {p.question} "
        + ", ".join(f"`{v.name}` ({v.role}, {v.peak})" for v in p.variants)
        for p in PATTERNS
    )


def _commands() -> str:
    from typer.testing import CliRunner

    from lab.cli import app

    result = CliRunner().invoke(app, ["--help"], env={"TERMINAL_WIDTH": "100"})
    lines = result.output.split("Commands:\n")[1].rstrip().splitlines()
    return "\n".join(["```", *(f"lab {line.strip()}" for line in lines), "```"])


def _description(svg: Path) -> str:
    try:
        found = re.search(r"<desc>(.*?)</desc>", svg.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"cannot read {svg}: {error.strerror}; run `make table docs`.") from None
    return found[1] if found else ""


def _load(table: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(table.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"cannot read {table} ({error}): run `make table docs` first.") from None
    return document


if __name__ == "__main__":
    main()
