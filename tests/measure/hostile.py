"""Targets that write where they have opened nothing, copy their process, or end it."""

import json
import os
import signal
import sys
import time

_FORGED = {"reading": {"value": 5}, "run_seconds": 0.0, "outcome": "finished", "failure": ""}


def _write_everywhere(data):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, data)
        except OSError:  # it is not open
            continue


def _keep(n):
    return len([bytes(100) for _ in range(n)])


def forges_an_answer(n):
    _write_everywhere(
        json.dumps(_FORGED).encode() + b"\nanswer %s\n" % json.dumps(_FORGED).encode()
    )
    return _keep(n)


def forges_an_answer_and_leaves(n):
    _write_everywhere(b"answer %s\nstatus 0\n" % json.dumps(_FORGED).encode())
    os._exit(0)


def writes_garbage(n):
    _write_everywhere(b"\xff\0 garbage\n" * 1_000)
    return _keep(n)


def writes_megabytes_without_a_newline(n):
    for _ in range(100):
        _write_everywhere(b"x" * 100_000)
    return _keep(n)


def returns_in_two_processes(n):
    os.fork()
    return _keep(n)


def raises_in_a_copy(n):
    if os.fork() == 0:
        raise ValueError("in the copy")
    os.wait()
    return _keep(n)


def closes_every_file(n):
    os.closerange(3, 1024)
    return n


def leaves(n):
    os._exit(0)


def exits(n):
    sys.exit("enough")


def starts_a_session(n):
    os.setsid()


def becomes_another_program(n):
    os.execv("/bin/true", ["true"])  # noqa: S606 - a program that does nothing


def gets_a_signal_without_a_name(n):
    os.kill(os.getpid(), signal.SIGRTMIN + 5)


def ends_the_fork_server(n):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def prints_megabytes(n):
    for descriptor in (1, 2):
        os.write(descriptor, b"x" * 20_000_000)
    return _keep(n)


def prints_megabytes_and_leaves(n):
    os.write(2, b"\x1b[31mred\n" * 2_000_000)
    os._exit(4)


def raises_half_a_character(n):
    raise ValueError("cannot store \ud83d, \0, \x1b[31mred, \rover or \u202eback")
