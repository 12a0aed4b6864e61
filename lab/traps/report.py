"""Traps in the terminal, and their results as JSON for `docs/traps.md`."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from lab.measure.environment import environment
from lab.report.files import write_json
from lab.traps.trap import Demonstration, Trap


def print_traps(to: Console, traps: Sequence[Trap]) -> None:
    """Print the name and the label of each trap."""
    for trap in traps:
        to.print(Text.assemble((trap.name, "bold"), f"\n  {trap.label}"))


def print_demonstrations(
    to: Console, demonstrations: Sequence[tuple[Trap, Demonstration]], *, explain: bool = False
) -> None:
    """Print each claim, its wrong and its right result, and the explanation if asked for."""
    for trap, shown in demonstrations:
        state = ("demonstrated", "red") if shown.holds else ("not demonstrated", "yellow")
        to.print(Text.assemble((trap.name, "bold"), " ", state))
        for what, text in (("claim", trap.said), ("wrong", shown.wrong), ("right", shown.right)):
            to.print(Padding(f"{what}: {text}", (0, 0, 0, 2)))
        if explain:
            to.print(Padding(f"\n{trap.label}\n\n{trap.explanation}", (0, 0, 0, 2)))


def write_demonstrations(demonstrations: Sequence[tuple[Trap, Demonstration]], path: Path) -> None:
    """Write the result of each trap as a JSON document."""
    traps = [
        {
            "name": trap.name,
            "label": trap.label,
            "said": trap.said,
            "wrong": shown.wrong,
            "right": shown.right,
            "holds": shown.holds,
        }
        for trap, shown in demonstrations
    ]
    write_json(path, {"environment": environment(), "traps": traps})
