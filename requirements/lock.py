"""Pin every dependency with hashes in two layers: what `make table` needs, and the rest.

Both layers come from one resolution, so they are compatible. The pins keep extras, for versions of
pip that do not treat `coverage` and `coverage[toml]` as one package. No index and no address is
written; only the hashes decide what may be installed.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent

COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile"),
    *("--universal", "--python-version", "3.11", "--no-strip-extras", "--generate-hashes"),
    *("--only-binary", ":all:", "--no-header", "--no-annotate"),
    *("--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)
BUILD = "hatchling\neditables\n"
"""Build requirements of the project, pinned so that it installs without build isolation."""


def main(*options: str) -> None:
    """Write both layers; options go to `uv pip compile` (`--upgrade`)."""
    with tempfile.TemporaryDirectory() as scratch:
        build, pins, table = (Path(scratch, name) for name in ("build.in", "all.txt", "table.txt"))
        build.write_text(BUILD)
        # uv keeps the versions that its output file already pins, unless --upgrade is given.
        pins.write_text("".join(path.read_text() for path in FOLDER.glob("*.txt")))
        _compile("pyproject.toml", "--extra", "dev", *options, "--output-file", pins)
        extras = ("--extra", "patterns", "--extra", "plots")
        _compile("pyproject.toml", build, *extras, "--constraints", pins, "--output-file", table)
        names = {name_of(block) for block in blocks(table.read_text())}
        every = blocks(pins.read_text())
    layers = {"main": names, "dev": {*map(name_of, every)} - names}
    for layer, members in layers.items():
        text = "".join(block for block in every if name_of(block) in members)
        (FOLDER / f"{layer}.txt").write_text(text)


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
