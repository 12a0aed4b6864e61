"""The measuring processes: each measures one workload with one witness, and ends.

A *fork server* imports once what the workloads share, and then only forks a child for each task.
So every child starts from the same state, whatever was measured before, without the time for the
imports. `lab.measure.fork_server_parent` is the parent's side.

For each task, standard input has a newline, at which the server forks, and then the `Task` as one
line, which only the child reads. A second fork watches the child. The server and the watcher write
the lines ``pid``, ``elsewhere`` and ``status`` to the file descriptor that the command line names.
The child writes its `Answer` to a file that has the name ``Task.token``, when the measured code has
ended: so that code has no pipe of the lab to write to.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.curves.curve import Reading
from lab.measure.messages import Answer, Task
from lab.measure.watcher import SUPPORTED, Signals, children, descendants, watch
from lab.outcome import Outcome
from lab.system.import_path import resolve, sole_error, user_frames
from lab.system.interpreter import python_module
from lab.system.linux import (
    adopt_orphans,
    return_free_memory,
    set_parent_death_signal,
    status,
)

Run = Callable[[], Outcome]

_IDLE_ROUNDS = 10
_SHOWN_CHARACTERS = 4_000


def main() -> None:
    """Run as the fork server: ``fork_server PARENT ANSWER_FD START``."""
    parent, answer_fd, start = sys.argv[1:]
    die_with_parent = set_parent_death_signal(signal.SIGKILL)
    die_with_parent()
    if os.getppid() != int(parent):
        os._exit(1)  # the parent ended before this process could be linked to it
    # An imported module may read descriptor 0.
    jobs = os.dup(0)
    failure = _warm(json.loads(start))
    settings = json.loads(start)
    if threading.active_count() > 1 and settings["warm"]:
        _start_anew(parent, answer_fd, settings)
    gc.collect()
    gc.freeze()
    adopt_orphans()  # also those of a session of their own end with the task that started them
    server, out = os.getpid(), int(answer_fd)
    own = frozenset(children(server))

    def work(signals: Signals) -> None:
        die_with_parent()
        os.close(out)
        if os.getppid() == server:
            _child(jobs, failure, signals)

    # The first rounds fill the interpreter's caches; all later rounds start from equal states.
    null = os.open(os.devnull, os.O_WRONLY)
    for _ in range(_IDLE_ROUNDS):
        _round(null, settings, own, _nothing, die_with_parent)
    os.close(null)
    while os.read(jobs, 1):
        _round(out, settings, own, work, die_with_parent)


def _warm(start: dict[str, Any]) -> Answer | None:
    """Import what all children share; return the failure of the start function, if it failed."""
    for module in (
        "memray",
        "lab.measure.heap_rss_seconds",
        "lab.measure.workload",
        *start["preload"],
    ):
        with contextlib.suppress(ImportError):  # the child reports what cannot be imported
            importlib.import_module(module)
    if not start["warm"]:
        return None
    own_path = sys.path[:]
    sys.path[:] = start["path"]
    try:
        resolve(start["warm"])(**json.loads(start["arguments"]))
    except BaseException as error:  # of any kind: the parent has to report it
        return _failure(error, start["warm"])
    finally:
        sys.path[:] = own_path
    return None


def _start_anew(parent: str, answer_fd: str, start: dict[str, Any]) -> None:
    """Restart the fork server without the start function: a fork would not have its threads."""
    cold = json.dumps({**start, "warm": ""})
    command = python_module(__spec__.name, parent, answer_fd, cold)
    os.execv(command[0], command)  # noqa: S606 - the lab made this command line


def _nothing(_: Signals) -> None:
    """Do the work of an idle round."""


def _end_orphans(own: frozenset[int]) -> None:
    """Kill what a task has left running, except for the children that this server had before it.

    Nearly always there is none. Then nothing is allocated here, so that all rounds are equal.
    """
    if sys.platform != "linux":
        return  # no orphans are adopted
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    while left := [child for child in children(os.getpid()) if child not in own]:
        for child in left:
            for pid in (*descendants(child), child):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)


def _round(
    out: int,
    settings: Mapping[str, Any],
    own: frozenset[int],
    work: Callable[[Signals], None],
    die_with_parent: Callable[[], object],
) -> None:
    """Fork a process that does the work and one that watches it; write pid and both statuses."""
    signals, token = Signals(), settings["token"].encode()
    pid = os.fork()
    if pid == 0:
        signals.close(measures=True)
        work(signals)
        os._exit(0)
    os.write(out, b"%s pid %d\n" % (token, pid))
    watched = SUPPORTED and work is not _nothing
    watcher = os.fork() if watched else 0
    if watched and watcher == 0:
        die_with_parent()
        signals.close(watches=True)
        seen = json.dumps(asdict(watch(pid, signals, settings["scratch"]))).encode()
        os.write(out, b"%s elsewhere %s\n" % (token, seen))
        os._exit(0)
    signals.close()
    _, status = os.waitpid(pid, 0)
    end = os.waitpid(watcher, 0)[1] if watcher else 0
    _end_orphans(own)
    os.write(out, b"%s status %d %d\n" % (token, status, end))


def _child(jobs: int, failure: Answer | None, signals: Signals) -> None:
    """Run one task and write its answer."""
    os.setsid()
    adopt_orphans()
    task = Task.of_json(_read_line(jobs))
    os.close(jobs)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    # The child imports from the same folders as the parent; the lab is already imported.
    sys.path[:] = task.path
    os.environ.update(task.env)
    try:
        answer = failure or _measure(task, signals)
    except BaseException as error:  # of any kind: the parent has to report it
        answer = _failure(error, task.name)
    task.answer_file.write_bytes(answer.to_json())
    sys.stderr.flush()


def _read_line(jobs: int) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        part = os.read(jobs, 65_536)
        if not part:
            os._exit(1)
        line += part
    return bytes(line)


def _measure(task: Task, signals: Signals) -> Answer:
    from lab.measure.workload import LASTING

    opener = resolve(task.opener)
    answers: list[Answer] = []

    def open_and(use: Callable[[Run], object], arguments: Mapping[str, Any]) -> None:
        if task.runs_itself:
            opener(lambda run: use(_in_this_process(run)), **arguments)
            return
        with opener(**arguments) as run:
            use(_in_this_process(run))

    with LASTING:
        if task.warm_up is not None:
            open_and(lambda run: run(), task.warm_up)
        open_and(lambda run: answers.append(_answer(task, run, signals)), task.arguments)
        garbage, held = _collect_silently()
    # A workload that runs itself may pass on no call.
    answer = answers[0] if answers else Answer(Reading())
    return answer.with_reading(garbage=garbage, garbage_bytes=held)


def _in_this_process(run: Run) -> Run:
    """Return the same call, which ends every copy of this process that the call forked."""
    process = os.getpid()

    def once() -> Outcome:
        try:
            return run()
        finally:
            if os.getpid() != process:
                os._exit(0)

    return once


def _collect_silently() -> tuple[int, int]:
    """Collect garbage; return the objects and their bytes. What they report comes too late."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = _resident()
            objects = gc.collect()
            return objects, max(0, before - _resident())
    finally:
        sys.unraisablehook = hook


def _resident() -> int:
    """Return the resident bytes without those that are free; 0 where the kernel does not say."""
    return_free_memory()
    with contextlib.suppress(OSError):
        return status("RssAnon")
    return 0


def _answer(task: Task, run: Run, signals: Signals) -> Answer:
    scratch = Path(task.scratch)
    if task.witness is None:
        from lab.measure.memory_cap import under_cap

        outcome, reason, digest = under_cap(task.cap, run, scratch)
        return Answer(outcome=outcome, reason=reason, digest=digest)
    from lab.measure.heap_rss_seconds import observe

    folder, name = Path(task.folder), task.name
    return Answer(*observe(task.witness, run, name, scratch, folder, signals.tell))


def _failure(error: BaseException, name: str) -> Answer:
    from lab.errors import LabError

    error = sole_error(error)
    if isinstance(error, LabError):
        return Answer(failure=str(error), details=error.details)
    message = f"{type(error).__name__}: {error}".removesuffix(": ")
    frames = user_frames(error)
    return Answer(
        failure=f"{name} raised {message}"[:_SHOWN_CHARACTERS], details=frames[-_SHOWN_CHARACTERS:]
    )


if __name__ == "__main__":
    main()
