"""Traps: listed, explained, and written as JSON for the README's table."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from lab.measure.environment import environment
from lab.report.json import write_json
from lab.traps.trap import Sprung, Trap


def print_traps(to: Console, traps: Sequence[Trap]) -> None:
    """List every trap with a line."""
    for trap in traps:
        to.print(Text.assemble((trap.name, "bold"), f"\n  {trap.label}"))


def print_sprung(
    to: Console, sprung: Sequence[tuple[Trap, Sprung]], *, explain: bool = False
) -> None:
    """Print what is said, the wrong result and the right one, and why."""
    for trap, seen in sprung:
        state = ("sprung", "red") if seen.holds else ("did not spring", "yellow")
        to.print(Text.assemble((trap.name, "bold"), " ", state))
        for what, text in (("said", trap.said), ("wrong", seen.wrong), ("right", seen.right)):
            to.print(Padding(f"{what + ':':<7}{text}", (0, 0, 0, 2)))
        if explain:
            to.print(Padding(f"\n{trap.label}\n\n{trap.explanation}", (0, 0, 0, 2)))


def write_sprung(sprung: Sequence[tuple[Trap, Sprung]], path: Path) -> None:
    """Write what each trap showed as a JSON document."""
    traps = [
        {
            "name": trap.name,
            "label": trap.label,
            "said": trap.said,
            "wrong": seen.wrong,
            "right": seen.right,
            "holds": seen.holds,
        }
        for trap, seen in sprung
    ]
    write_json(path, {"environment": environment(), "traps": traps})
