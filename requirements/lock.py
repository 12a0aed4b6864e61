"""Pin every dependency anew, with hashes, in two layers: what `make table` needs, and the rest.

Both layers come from one resolution, so that they fit together. Extras stay in the pins: a pip
that does not join `coverage` and `coverage[toml]` by itself can then read them too. No index and
no address is written; hashes alone say what may be installed.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent

_COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml"),
    *("--universal", "--python-version", "3.11", "--no-strip-extras", "--generate-hashes"),
    *("--only-binary", ":all:", "--no-header", "--no-annotate"),
    *("--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)
_MAIN = ("--extra", "patterns", "--extra", "plots", "--group", "build")
_ALL = ("--extra", "dev", "--group", "build")


def main(*options: str) -> None:
    """Write both layers; options go to `uv pip compile` (`--upgrade`)."""
    with tempfile.TemporaryDirectory() as scratch:
        pins, chosen = Path(scratch, "all.txt"), Path(scratch, "main.txt")
        # What is pinned today stays, unless an option says otherwise.
        pins.write_text("".join(path.read_text() for path in FOLDER.glob("*.txt")))
        _compile(*_ALL, *options, "--output-file", str(pins))
        _compile(*_MAIN, "--constraints", str(pins), "--output-file", str(chosen))
        names = {name_of(block) for block in blocks(chosen.read_text())}
        every = blocks(pins.read_text())
    main_layer = [block for block in every if name_of(block) in names]
    (FOLDER / "main.txt").write_text("".join(main_layer))
    (FOLDER / "dev.txt").write_text("".join(block for block in every if block not in main_layer))


def blocks(text: str) -> list[str]:
    """Split a requirements file into one text for each pin, hashes included."""
    return re.findall(r"^\S.*\n(?:[ ].*\n)*", text, re.MULTILINE)


def name_of(block: str) -> str:
    """Return the name of the package that a block pins, without extras."""
    return re.split(r"[\[=]", block, maxsplit=1)[0]


def _compile(*arguments: str) -> None:
    subprocess.run([*_COMPILE, *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
