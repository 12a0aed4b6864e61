"""The generated parts of the documents: written from a measurement, checked against a new one.

Run as ``python -m lab.report.readme --write BUILD`` or ``--check BUILD``, BUILD being the folder in
which ``table/table.json``, ``traps/traps.json`` and ``bench/bench.json`` are. A part stands between
``<!-- generated: NAME -->`` and ``<!-- end -->``. Text must be the same to the letter; memory that
was measured may differ by the witness's tolerance, and times are another machine's affair.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.measure.verdict import RESOLUTION
from lab.report.json import write_text
from lab.units import parse_bytes

README = Path("README.md")
PICTURE = Path("docs/export-1000000-rows.svg")
SPEED = Path("docs", "speed.md")
PICTURES = Path("docs", "speed")
TABLE = Path("table", "table.json")
BENCH = Path("bench")
TRAPS = Path("traps", "traps.json")

_FIGURE = re.compile(r"((?<=\d [kMG]B)(?:, )|(?<=\d B)(?:, ))?(?<![\w.])(\d+(?:\.\d+)? [kMG]?B)\b")
_NUMBER = re.compile(r"\d[\d.,]*(?: [kMG]?B\b)?")
_SHARE = 0.05
_EXTRAPOLATED = " (extrapolated)"


def parts(table: dict[str, Any], traps: dict[str, Any]) -> dict[str, str]:
    """Return every generated part by its name.

    Args:
        table: The JSON document that `lab table` wrote.
        traps: The one that `lab traps` wrote.
    """
    return {
        "table": _table(table),
        "traps": _traps(traps),
        "patterns": _patterns(),
        "commands": _commands(),
    }


CIRCUMSTANCES = ("table", "speed")
"""Parts that end with a line about where they were measured."""


def fill(text: str, contents: dict[str, str], path: Path = README) -> str:
    """Put the parts into a text with marks.

    Raises:
        LabError: A part has no marks in the text.
    """
    for name, content in contents.items():
        block = _marked(name).search(text)
        if block is None:
            raise LabError(f"{path} has no marks for the generated part {name!r}.")
        text = f"{text[: block.start(2)]}{content}\n{text[block.end(2) :]}"
    return text


def differences(old: str, new: str, same: Callable[[str, str], bool]) -> list[str]:
    """Compare two texts line by line and describe the lines that are not the same."""
    lines = list(zip(old.splitlines(), new.splitlines(), strict=False))
    found = [f"- {a}\n+ {b}" for a, b in lines if not same(a, b)]
    if len(old.splitlines()) != len(new.splitlines()):
        found.append("one has more lines than the other")
    return found


def same_but_for_figures(old: str, new: str) -> bool:
    """Tell whether two lines say the same, whatever their figures are."""
    return _FIGURE.sub("#", old) == _FIGURE.sub("#", new)


def same_within_tolerance(old: str, new: str) -> bool:
    """Tell whether two lines say the same, and their figures differ by no more than noise.

    Noise is five in a hundred, or what the witness cannot tell, whichever is more; a figure of
    the resident set is one that follows a figure of the heap and a comma. What was extrapolated
    on one of the two machines is held to the verdict alone.
    """
    if _EXTRAPOLATED in old or _EXTRAPOLATED in new:
        return same_but_for_figures(old.replace(_EXTRAPOLATED, ""), new.replace(_EXTRAPOLATED, ""))
    if not same_but_for_figures(old, new):
        return False
    pairs = zip(_FIGURE.finditer(old), _FIGURE.finditer(new), strict=True)
    return all(_close(a, b, RESOLUTION["rss" if a[1] else "heap"]) for a, b in pairs)


def same_but_for_numbers(old: str, new: str) -> bool:
    """Tell whether two lines say the same, whatever their numbers, sizes and times are."""
    return _NUMBER.sub("#", old) == _NUMBER.sub("#", new)


def same_but_for_results(old: str, new: str) -> bool:
    """Tell whether two lines of the traps' table say the same, whatever was counted.

    What is said and what goes wrong is the same to the letter; the results of two runs, or of two
    versions of Python, are not. That each trap sprang is in the document that the line is from.
    """
    return old.split(" | ")[:2] == new.split(" | ")[:2]


def check(readme: Path, build: Path) -> list[str]:
    """Return what is out of date in the README, in the page about speed, and in their pictures."""
    document = _load(build / TABLE)
    if document["quick"]:
        raise LabError(f"{build / TABLE} was measured with --quick; the README shows full sizes.")
    text = readme.read_text(encoding="utf-8")
    # Objects have other sizes in other versions: there, the verdicts have to be the same.
    circumstances = _circumstances(document)
    measured = same_within_tolerance if circumstances in text else same_but_for_figures
    same = {"table": measured, "traps": same_but_for_results, "speed": same_but_for_numbers}
    contents = parts(document, _load(build / TRAPS)) | _speed(build)
    found = _changed(readme, contents, same)
    found += _changed(SPEED, _comparisons(build), defaultdict(lambda: same_but_for_numbers))
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
    text = path.read_text(encoding="utf-8")
    found = []
    for name, new in contents.items():
        block = _marked(name).search(text)
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
    contents = parts(_load(build / TABLE), _load(build / TRAPS))
    measured = (build / BENCH / "bench.json").exists()
    if measured and _tenth(build):
        raise LabError("the benchmarks were run at a tenth of their sizes: run `make bench`.")
    _fill(readme, contents | (_speed(build) if measured else {}))
    _copy((build / TABLE).with_name(PICTURE.name), PICTURE)
    if measured:
        _fill(SPEED, _comparisons(build))
        for name in _pictures(build):
            _copy(build / BENCH / name, PICTURES / name)


def _tenth(build: Path) -> bool:
    from lab.report.speed import read

    return any(one.tenth for one in read(build / BENCH))


def _fill(path: Path, contents: dict[str, str]) -> None:
    write_text(path, fill(path.read_text(encoding="utf-8"), contents, path))


def _copy(source: Path, target: Path) -> None:
    write_text(target, source.read_text(encoding="utf-8"))


def _speed(build: Path) -> dict[str, str]:
    """Return the README's part about speed."""
    from lab.report.speed import read, summary

    return {"speed": summary(read(build / BENCH, "bench.json"))}


def _comparisons(build: Path) -> dict[str, str]:
    from lab.report import speed

    found = speed.parts(speed.read(build / BENCH, "bench.json"))
    if (build / BENCH / "bench-http.json").exists():
        found["http"] = speed.over_http(speed.read(build / BENCH))
    return found


def _pictures(build: Path) -> list[str]:
    """Return the names of the pictures of comparisons, which are in the documents."""
    from lab.report.speed import pictured, read, slug

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
            + (_EXTRAPOLATED if m["extrapolated"] else "")
            for m in (row["naive"], row["streaming"])
        )
        printed = row["printed"]
        as_printed = f"; as the lesson codes it: **{printed['wrong']}**" if printed else ""
        lines.append(
            f"| {row['scenario']} | {row['approach']} | {row['says']} | {naive} | {streaming} "
            f"| {row['growth']} | **{row['verdict']}**{as_printed} |"
        )
    return "\n".join([*lines, "", _circumstances(document)])


def _traps(document: dict[str, Any]) -> str:
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
        f"- [`{p.name}`](lab/patterns/{p.name}.py): {p.question} "
        + ", ".join(f"`{v.name}` ({v.role}, {v.peak})" for v in p.variants)
        for p in PATTERNS
    )


def _commands() -> str:
    from typer.testing import CliRunner

    from lab.cli import app

    result = CliRunner().invoke(app, ["--help"], env={"TERMINAL_WIDTH": "100"})
    lines = result.output.split("Commands:\n")[1].rstrip().splitlines()
    return "\n".join(["```", *(f"lab {line.strip()}" for line in lines), "```"])


def _marked(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- generated: {name} -->)\n(.*?)(<!-- end -->)", re.DOTALL)


def _close(old: re.Match[str], new: re.Match[str], resolution: int) -> bool:
    a, b = parse_bytes(old[2]), parse_bytes(new[2])
    return abs(a - b) <= max(_SHARE * max(a, b), resolution if a >= 1000 else 1)


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
