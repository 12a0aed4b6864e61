"""Run a notebook from top to bottom, in a kernel of its own."""

import os
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lab.errors import LabError

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config

TIMEOUT = 900
"""Seconds that a cell may take: one may have to make a million rows first."""


def executed(
    name: str, notebook: "NotebookNode", folder: Path, progress: Path, timeout: int = TIMEOUT
) -> "NotebookNode":
    """Return a copy of a notebook with what its cells showed; its kernel is gone afterwards.

    Args:
        name: What to call the notebook when it fails.
        notebook: Of this environment's Python.
        folder: Where the kernel runs.
        progress: The folder for the course's progress, in place of the user's own.
        timeout: Seconds that a cell may take.

    Raises:
        LabError: A cell raised, took too long or ended the kernel; it is named.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    copy, at = deepcopy(notebook), "before its first cell"

    def note(cell: "NotebookNode", **_: Any) -> None:
        nonlocal at
        at = f"in cell {cell.id}"

    with TemporaryDirectory(prefix="memory-lab-ipython-") as settings:
        given = {"IPYTHONDIR": settings, "MEMORY_LAB_COURSE": str(progress)}
        client = NotebookClient(
            copy,
            config=_sockets_in(Path(settings)),
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            on_cell_start=note,
        )
        try:
            client.execute(env=os.environ | given)
        except CellExecutionError as error:
            said = f"{error.ename}: {error.evalue}"
            raise LabError(f"{name} failed {at}: {said}", str(error)) from None
        except CellTimeoutError:
            raise LabError(f"{name} failed {at}: it took more than {timeout} seconds.") from None
        except DeadKernelError:
            raise LabError(f"{name} failed {at}: its kernel ended.") from None
    return copy


def _sockets_in(folder: Path) -> "Config":
    """Let the kernel be reached through files of a folder: a port is open to every user."""
    from traitlets.config import Config

    file = str(folder / "kernel.json")
    return Config(KernelManager={"connection_file": file, "transport": "ipc"})
