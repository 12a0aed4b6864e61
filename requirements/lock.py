"""Pin every dependency with hashes in two layers: what `make table` needs, and the rest.

Both layers come from one resolution, so they are compatible. The pins keep extras, for versions of
pip that do not treat `coverage` and `coverage[toml]` as one package. No index and no address is
written; only the hashes decide what may be installed. A third file pins what `neighbours.in` lists,
with the versions that the layers have.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
LAYERS = ("main", "dev")
NEIGHBOURS = FOLDER / "neighbours.txt"

COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile"),
    *("--universal", "--python-version", "3.11", "--no-strip-extras", "--generate-hashes"),
    *("--only-binary", ":all:", "--no-header", "--no-annotate"),
    *("--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)
SOURCES = ("pytest-clarity", "pytest-dependency")
"""Neighbours that have no wheel; setuptools, which builds them, is pinned with them."""

BUILD = "hatchling\neditables\n"
"""Build requirements of the project, pinned so that it installs without build isolation."""


def main(*options: str) -> None:
    """Write both layers; options go to `uv pip compile` (`--upgrade`)."""
    with tempfile.TemporaryDirectory() as scratch:
        build, pins, table = (Path(scratch, name) for name in ("build.in", "all.txt", "table.txt"))
        build.write_text(BUILD)
        # uv keeps the versions that its output file already pins, unless --upgrade is given.
        pins.write_text("".join((FOLDER / f"{layer}.txt").read_text() for layer in LAYERS))
        _compile("pyproject.toml", "--extra", "dev", *options, "--output-file", pins)
        extras = ("--extra", "patterns", "--extra", "plots")
        _compile("pyproject.toml", build, *extras, "--constraints", pins, "--output-file", table)
        _compile_neighbours(pins, *options)
        names = {name_of(block) for block in blocks(table.read_text())}
        every = blocks(pins.read_text())
    for layer, members in zip(LAYERS, (names, {*map(name_of, every)} - names), strict=True):
        text = "".join(block for block in every if name_of(block) in members)
        (FOLDER / f"{layer}.txt").write_text(text)


def _compile_neighbours(pins: Path, *options: str) -> None:
    extras = ("--extra", "http", "--extra", "pytest")
    wanted = ("pyproject.toml", str(NEIGHBOURS.with_suffix(".in")), *extras)
    built = [word for name in SOURCES for word in ("--no-binary", name)]
    files = ("--constraints", pins, "--output-file", NEIGHBOURS)
    _compile(*wanted, *built, *options, *files)


def blocks(text: str) -> list[str]:
    """Split a requirements file into one text for each pin, including its hashes."""
    return re.findall(r"^\S.*\n(?:[ ].*\n)*", text, re.MULTILINE)


def name_of(block: str) -> str:
    """Return the package name of a block, without extras."""
    return re.split(r"[\[=]", block, maxsplit=1)[0]


def _compile(*arguments: str | Path) -> None:
    subprocess.run([*COMPILE, *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
