"""Make notebooks, and run them from top to bottom, each in its own kernel.

nbformat is imported where it is used: it builds a grammar for a second.
"""

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
"""Seconds for a cell, which may include making a million rows."""


def new_notebook(*cells: str) -> "NotebookNode":
    """Return a notebook with code cells of these texts."""
    from nbformat import v4

    return v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])


def write(notebook: "NotebookNode", file: Path) -> None:
    """Write a notebook to a file."""
    import nbformat

    nbformat.write(notebook, file)


def executed(
    name: str, notebook: "NotebookNode", folder: Path, progress: Path, timeout: int = TIMEOUT
) -> "NotebookNode":
    """Return a copy of a notebook with the outputs of its cells; the kernel has ended.

    Args:
        name: The notebook's name in error messages.
        notebook: Runs on this environment's Python.
        folder: The kernel's working directory.
        progress: The folder for the course's progress, in place of the user's own.
        timeout: Seconds for each cell.

    Raises:
        LabError: A cell raised an exception, took too long or ended the kernel; it names the cell.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    copy, position = deepcopy(notebook), "before its first cell"

    def record_position(cell: "NotebookNode", **_: Any) -> None:
        nonlocal position
        position = f"in cell {cell.id}"

    with TemporaryDirectory(prefix="memory-lab-ipython-") as settings:
        variables = {"IPYTHONDIR": settings, "MEMORY_LAB_COURSE": str(progress)}
        client = NotebookClient(
            copy,
            config=_sockets_in(Path(settings)),
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            on_cell_start=record_position,
        )
        try:
            client.execute(env=os.environ | variables)
        except CellExecutionError as error:
            cause = f"{error.ename}: {error.evalue}"
            raise LabError(f"{name} failed {position}: {cause}", str(error)) from None
        except CellTimeoutError:
            raise LabError(
                f"{name} failed {position}: it took more than {timeout} seconds."
            ) from None
        except DeadKernelError:
            raise LabError(f"{name} failed {position}: its kernel ended.") from None
    return copy


def _sockets_in(folder: Path) -> "Config":
    """Put the kernel's sockets into a folder, because every user of the machine can use a port."""
    from traitlets.config import Config

    file = str(folder / "kernel.json")
    return Config(KernelManager={"connection_file": file, "transport": "ipc"})
