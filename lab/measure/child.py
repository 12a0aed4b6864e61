"""The fresh processes: each measures one workload with one witness, and ends.

A *template* process imports what the workloads share, once, and does nothing else. For every job
it forks: the child starts from that same untouched state, however many went before, without
paying for the imports again. The parent side is `lab.measure.process`.

On standard input: for each job a newline, for which the template forks, and then the job as one
line of JSON, which only the child reads. On the file descriptor named on the command line:
``pid``, ``answer`` and ``status``, a line each.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.interpreter import python_module
from lab.linux import sent_when_parent_ends
from lab.measure.curve import Reading
from lab.pattern import Outcome

Run = Callable[[], Outcome]

_IDLE_ROUNDS = 10
_SHOWN_FRAMES = 6
_SHOWN_CHARACTERS = 4_000
_MACHINERY = ("<frozen", contextlib.__file__, importlib.__file__)


def main() -> None:
    """Be the template: ``child PARENT ANSWER_FD START``."""
    parent, answer_fd, start = sys.argv[1:]
    die_with_parent = sent_when_parent_ends(signal.SIGKILL)
    die_with_parent()
    if os.getppid() != int(parent):
        os._exit(1)  # it had ended before we asked
    # What is imported may want standard input for itself.
    jobs = os.dup(0)
    failure = _warm(json.loads(start))
    if threading.active_count() > 1:
        _start_anew(parent, answer_fd, json.loads(start))
    gc.collect()
    gc.freeze()
    template, out = os.getpid(), int(answer_fd)

    def work() -> None:
        die_with_parent()
        if os.getppid() == template:
            _child(jobs, out, failure)

    # The first rounds fill the interpreter's caches, and later ones then start from equal states.
    null = os.open(os.devnull, os.O_WRONLY)
    for _ in range(_IDLE_ROUNDS):
        _round(null, lambda: None)
    os.close(null)
    while os.read(jobs, 1):
        _round(out, work)


def _warm(start: dict[str, Any]) -> dict[str, Any] | None:
    """Import what every child may have imported; return what its function failed of, if it did."""
    for module in ("memray", "lab.measure.witness", "lab.measure.workload", *start["preload"]):
        with contextlib.suppress(ImportError):  # the child will say what cannot be imported
            importlib.import_module(module)
    if not start["warm"]:
        return None
    from lab.measure.workload import resolve

    ours = sys.path[:]
    sys.path[:] = start["path"]
    try:
        resolve(start["warm"])(**json.loads(start["arguments"]))
    except BaseException as error:  # whatever it is, the parent must hear of it
        return _failure(error, {"name": start["warm"]})
    finally:
        sys.path[:] = ours
    return None


def _start_anew(parent: str, answer_fd: str, start: dict[str, Any]) -> None:
    """Be a template that has imported less: threads would be missing in what is forked from it."""
    cold = json.dumps({**start, "warm": ""})
    command = python_module(__spec__.name, parent, answer_fd, cold)
    os.execv(command[0], command)  # noqa: S606 - the command line is ours


def _round(out: int, work: Callable[[], None]) -> None:
    """Fork a process that does its work and ends, and tell of its beginning and its end."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.write(out, b"pid %d\n" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(out, b"status %d\n" % status)


def _child(jobs: int, out: int, failure: dict[str, Any] | None) -> None:
    """Do one job and write its answer; never returns to the template's loop."""
    os.setsid()
    os.set_inheritable(out, False)
    job = json.loads(_read_line(jobs))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    # Only what the parent could import, in its order; the lab itself is there already.
    sys.path[:] = job["path"]
    try:
        answer = failure or _measure(job)
    except BaseException as error:  # whatever it is, the parent must hear of it
        answer = _failure(error, job)
    with os.fdopen(out, "wb") as stream:
        stream.write(b"answer %s\n" % json.dumps(answer).encode())
    sys.stderr.flush()


def _read_line(jobs: int) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        part = os.read(jobs, 65_536)
        if not part:
            os._exit(1)
        line += part
    return bytes(line)


def _measure(job: dict[str, Any]) -> dict[str, Any]:
    from lab.measure.workload import LASTING, resolve

    opener = resolve(job["opener"])
    seen: list[dict[str, Any]] = []

    def apply(look: Callable[[Run], object], arguments: dict[str, Any]) -> None:
        if job["drives"]:
            opener(look, **arguments)
            return
        with opener(**arguments) as run:
            look(run)

    with LASTING:
        if job["warm_up"] is not None:
            apply(lambda run: run(), job["warm_up"])
        apply(lambda run: seen.append(_look(job, run)), job["arguments"])
    # A workload that drives itself may have found nothing to run.
    return seen[0] if seen else {"reading": asdict(Reading()), "took": 0}


def _look(job: dict[str, Any], run: Run) -> dict[str, Any]:
    scratch = Path(job["scratch"])
    if "cap" in job:
        from lab.measure.cap import under_cap

        return under_cap(job["cap"], run, scratch)
    from lab.measure.witness import observe

    reading, took = observe(job["witness"], run, scratch, Path(job["folder"]))
    return {"reading": asdict(reading), "took": took}


def _failure(error: BaseException, job: dict[str, Any]) -> dict[str, Any]:
    from lab.errors import LabError

    if isinstance(error, LabError):
        return {"failed": str(error), "details": error.details}
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    frames = "".join(traceback.format_list(_their_frames(error))).rstrip()
    return {
        "failed": f"{job['name']} raised {what}"[:_SHOWN_CHARACTERS],
        "details": frames[-_SHOWN_CHARACTERS:],
    }


def _their_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Leave out the harness's own frames and all but the innermost of the rest."""
    ours = str(Path(__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not f.filename.startswith((ours, *_MACHINERY))]
    return theirs[-_SHOWN_FRAMES:]


if __name__ == "__main__":
    main()
