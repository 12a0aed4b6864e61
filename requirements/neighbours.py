"""Create `build/neighbours`: pytest, what `neighbours.in` lists, and what the core needs.

An environment that another Python or another lock has made is replaced.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from install import exclusive_lock
from lock import NEIGHBOURS, SOURCES, blocks, name_of
from locked_pip import Run, SetUpError, install_command
from record import ROOT

FOLDER = ROOT / "build" / "neighbours"
RECORD = FOLDER / "memory-lab.txt"


def main() -> int:
    """Create the environment if it is missing or stale; return the exit code."""
    state = f"{sys.version}\n{NEIGHBOURS.read_text(encoding='utf-8')}"
    try:
        with exclusive_lock() as lock:
            if not (RECORD.exists() and RECORD.read_text(encoding="utf-8") == state):
                print(
                    "build/neighbours: the plugins and frameworks that the lab is tested with",
                    flush=True,
                )
                _create(lock)
                RECORD.write_text(state, encoding="utf-8")
    except SetUpError as error:
        print(f"memory-lab: {error}", file=sys.stderr)
        return 2
    return 0


def _create(lock: int) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    _run([sys.executable, "-m", "venv", str(FOLDER)], lock)
    pins = blocks(NEIGHBOURS.read_text(encoding="utf-8"))
    built = [pin for pin in pins if name_of(pin) in SOURCES]
    _install("wheels", [pin for pin in pins if pin not in built], lock)
    _install("built", built, lock, "--no-binary", ",".join(SOURCES), "--no-build-isolation")


def _install(name: str, pins: Sequence[str], lock: int, *options: str) -> None:
    file = FOLDER / f"{name}.txt"
    file.write_text("".join(pins), encoding="utf-8")
    python = Path(FOLDER, "bin", "python")
    _run(install_command(python, *options, "--require-hashes", "--requirement", str(file)), lock)


def _run(command: list[str], lock: int) -> None:
    run = Run(command, FOLDER, lock)
    if run.end() != 0:
        raise SetUpError(run.why(ROOT))


if __name__ == "__main__":
    sys.exit(main())
