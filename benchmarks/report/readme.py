"""Write the generated parts of the documents from a measurement, or check them against one.

Run as ``python -m benchmarks.report.readme --write BUILD`` or ``--check BUILD``. The folder BUILD
has ``table/table.json``, ``traps/traps.json``, ``bench/bench.json`` and ``load/load.json``, and may
have ``production/production.json``.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import load_docs
from benchmarks.report.generated_parts import (
    EXTRAPOLATED,
    differences,
    fill,
    marked,
    same_but_for_figures,
    same_but_for_numbers,
    same_but_for_results,
    same_within_tolerance,
)
from benchmarks.report.measurements import (
    BENCH,
    description,
    is_quick_production,
    is_tenth,
    load_json,
    load_parts,
    production_parts,
    speed_parts,
    speed_pictures,
    speed_summary,
)
from lab.errors import LabError
from lab.report.files import write_text

README = Path("README.md")
PICTURE = Path("docs/export-1000000-rows.svg")
SPEED = Path("docs", "speed.md")
PICTURES = Path("docs", "speed")
PRODUCTION = Path("docs", "production.md")
LOAD = Path("docs", "load.md")
PATTERNS_PAGE = Path("docs", "patterns.md")
TRAPS_PAGE = Path("docs", "traps.md")
TABLE = Path("table", "table.json")
TRAPS = Path("traps", "traps.json")

CIRCUMSTANCES = ("table", "speed")
"""Parts whose last line names the interpreter and the platform."""


def parts(table: dict[str, Any]) -> dict[str, str]:
    """Return the README's own parts by name.

    Args:
        table: The JSON document of `lab table`.
    """
    return {"table": _table(table), "commands": _commands()}


def left_out(build: Path) -> list[str]:
    """Return what cannot be checked, since it was not measured or not at full sizes."""
    reasons = []
    if load_json(build / TABLE)["quick"]:
        reasons.append("figures of the table, measured with --quick")
    if not (build / BENCH / "bench.json").exists():
        reasons.append("speed, not measured: run `make bench`")
    if is_quick_production(build) or not production_parts(build):
        reasons.append("production, not measured in full: run `make production`")
    return reasons


def comparison_of_tables(document: dict[str, Any], text: str) -> Callable[[str, str], bool]:
    """Return the comparison of a line of the printed table with the same line of a new one.

    Objects have other sizes in other versions, and a quick table has a tenth of the rows. Then only
    words and verdicts must be the same.

    Args:
        document: The JSON document of the new table.
        text: The document with the printed table.
    """
    if document["quick"]:
        return same_but_for_numbers
    return same_within_tolerance if circumstances(document) in text else same_but_for_figures


def check(readme: Path, build: Path) -> list[str]:
    """Return the lines of the documents, and the descriptions of pictures, that are out of date.

    Figures are compared if they were measured at full sizes; `left_out` lists what was not.

    Raises:
        LabError: A measurement is missing, or a part has no marks.
    """
    document = load_json(build / TABLE)
    text = readme.read_text(encoding="utf-8")
    same_table = comparison_of_tables(document, text)
    changes = _changed(readme, parts(document), {"table": same_table})
    traps = {"traps": trap_rows(load_json(build / TRAPS))}
    changes += _changed(TRAPS_PAGE, traps, {"traps": same_but_for_results})
    for path in (README, LOAD):
        changes += _changed_words(path, load_parts(build))
    changes += _changed(PATTERNS_PAGE, {"patterns": _patterns()}, {})
    pictures = [(LOAD.with_suffix("") / name, build / "load" / name) for name in load_docs.PICTURES]
    if not document["quick"]:
        fresh = (build / TABLE).with_name(PICTURE.name)
        changes += differences(description(PICTURE), description(fresh), same_table)
    if (build / BENCH / "bench.json").exists():
        changes += _changed_words(readme, speed_summary(build))
        changes += _changed_words(SPEED, speed_parts(build))
        pictures += [(PICTURES / name, build / BENCH / name) for name in speed_pictures(build)]
    # A quick measurement has fewer rows than the page.
    if not is_quick_production(build):
        changes += _changed_words(PRODUCTION, production_parts(build))
    for old, new in pictures:
        changes += differences(description(old), description(new), same_but_for_numbers)
    return changes


def _changed_words(path: Path, contents: dict[str, str]) -> list[str]:
    """Compare the parts of a document with new ones, except for numbers."""
    return _changed(path, contents, dict.fromkeys(contents, same_but_for_numbers))


def _changed(
    path: Path, contents: dict[str, str], same: Mapping[str, Callable[[str, str], bool]]
) -> list[str]:
    """Compare the parts of a document with new ones; by default, they must be identical."""
    _check_all_measured(path, contents)
    text = path.read_text(encoding="utf-8")
    changes = []
    for name, new in contents.items():
        block = marked(name).search(text)
        if block is None:
            raise LabError(f"{path} has no marks for the generated part {name!r}.")
        old = block[2].strip("\n")
        if name in CIRCUMSTANCES:
            old, new = (part.rpartition("\n\n")[0] for part in (old, new))  # noqa: PLW2901
        changes += differences(old, new, same.get(name, str.__eq__))
    return changes


def write(readme: Path, build: Path) -> None:
    """Write the generated parts and the pictures.

    Parts about speed stay as they are if speed was not measured, because that takes ten minutes of
    a quiet machine.

    Raises:
        LabError: A measurement is missing or was a quick one, or a part has no marks.
    """
    contents = parts(load_json(build / TABLE))
    measured = (build / BENCH / "bench.json").exists()
    if measured and is_tenth(build):
        raise LabError("the benchmarks were run at a tenth of their sizes: run `make bench`.")
    if measured:
        _check_all_measured(SPEED, speed_parts(build))
    _fill(readme, contents | (speed_summary(build) if measured else {}))
    _copy((build / TABLE).with_name(PICTURE.name), PICTURE)
    if measured:
        _fill(SPEED, speed_parts(build))
        for name in speed_pictures(build):
            _copy(build / BENCH / name, PICTURES / name)
    if production := production_parts(build):
        _fill(PRODUCTION, production)
    _fill(PATTERNS_PAGE, {"patterns": _patterns()})
    _fill(TRAPS_PAGE, {"traps": trap_rows(load_json(build / TRAPS))})
    if (build / load_docs.FILE).exists():
        if load_json(build / load_docs.FILE)["quick"]:
            raise LabError("the load was measured with --quick: run `make load`.")
        for path in (readme, LOAD):
            _fill(path, load_parts(build))
        for name in load_docs.PICTURES:
            _copy(build / "load" / name, LOAD.with_suffix("") / name)


def _check_all_measured(path: Path, contents: dict[str, str]) -> None:
    """Check that all suites of docs/speed.md were measured, so that no old part stays.

    Raises:
        LabError: A suite was not run.
    """
    if path != SPEED:
        return
    marks = re.findall(r"<!-- generated: (speed: [\w-]+) -->", path.read_text(encoding="utf-8"))
    if missing := [name for name in marks if name not in contents]:
        raise LabError(f"{', '.join(missing)} was not measured: run all of `make bench`.")


def _fill(path: Path, contents: dict[str, str]) -> None:
    _check_all_measured(path, contents)
    write_text(path, fill(path.read_text(encoding="utf-8"), contents, path))


def _copy(source: Path, target: Path) -> None:
    write_text(target, source.read_text(encoding="utf-8"))


def main() -> None:
    """Write or check, depending on the command line."""
    parser = argparse.ArgumentParser(description="Write or check the README's generated parts.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", metavar="BUILD", type=Path)
    action.add_argument("--check", metavar="BUILD", type=Path)
    options = parser.parse_args()
    try:
        if options.write:
            write(README, options.write)
            return
        changes = check(README, options.check)
        not_checked = left_out(options.check)
    except LabError as error:
        sys.exit(f"readme: {error}")
    if changes:
        print("\n".join(changes))
        sys.exit("readme: the generated parts are out of date: run `make table bench docs`.")
    print("The generated parts of the documents are current.")
    print("".join(f"left out: {reason}\n" for reason in not_checked), end="")


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
    return "\n".join([*lines, "", circumstances(document)])


def trap_rows(document: dict[str, Any]) -> str:
    """Return the table of traps.

    Args:
        document: The JSON document of `lab traps`.

    Raises:
        LabError: A trap can no longer be demonstrated.
    """
    lines = ["| Claim | Reality | Measured | Correct version |", "|---|---|---|---|"]
    for trap in document["traps"]:
        if not trap["holds"]:
            raise LabError(
                f"the trap {trap['name']} can no longer be demonstrated (wrong: {trap['wrong']}; "
                f"right: {trap['right']}): correct it, or delete it."
            )
        cells = (trap[key].replace("|", "\\|") for key in ("said", "label", "wrong", "right"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def circumstances(document: dict[str, Any]) -> str:
    """Return the interpreter, the platform and the versions that a table was measured with."""
    versions = document["environment"]
    minor = ".".join(versions["python"].split(".")[:2])
    libraries = ", ".join(f"{name} {versions[name]}" for name in ("sqlalchemy", "memray"))
    return f"{versions['implementation']} {minor} on {versions['platform']}, {libraries}."


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


if __name__ == "__main__":
    main()
