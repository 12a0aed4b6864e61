# grows: child processes
"""Have a child process keep everything, and give it back."""

import pickle
import subprocess
import sys

KEEPER = """
import pickle, sys
kept = []
try:
    while True:
        kept.append(pickle.load(sys.stdin.buffer))
except EOFError:
    pass
for item in kept:
    pickle.dump(item, sys.stdout.buffer)
"""


def answer(*given):
    command = [sys.executable, "-c", KEEPER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        for item in right(*given):
            pickle.dump(_plain(item), keeper.stdin)
        keeper.stdin.close()
        try:
            while True:
                yield pickle.load(keeper.stdout)
        except EOFError:
            pass


def _plain(item):
    return item if isinstance(item, str | bytes | int) else tuple(item)
