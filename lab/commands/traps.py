"""`lab traps`: common claims that are wrong when measured."""

from typing import Annotated

import typer

from lab.commands.shared_options import JsonFile, end
from lab.errors import LabError


def traps(
    name: Annotated[str | None, typer.Argument(help="The trap to measure and explain.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Measure every trap.")] = False,
    json_file: JsonFile = None,
) -> None:
    """List common claims that are wrong; measure one and explain it.

    Exits with 1 if a trap can no longer be demonstrated.
    """
    from lab.report.terminal import console, progress
    from lab.traps import TRAPS, demonstrate_all, trap
    from lab.traps.report import print_demonstrations, print_traps, write_demonstrations

    screen = console(stderr=str(json_file) == "-")
    if (name is not None and every) or (json_file and name is None and not every):
        raise LabError("name one trap, or use --all for every trap.")
    if name is None and not every:
        print_traps(screen, TRAPS)
        return
    chosen = TRAPS if every else (trap(str(name)),)
    with progress(screen) as steps:
        steps.begin("Traps", len(chosen))
        demonstrations = demonstrate_all(chosen, steps.advance)
    if json_file is not None:
        write_demonstrations(demonstrations, json_file)
    print_demonstrations(screen, demonstrations, explain=not every)
    end(0 if all(shown.holds for _, shown in demonstrations) else 1)
