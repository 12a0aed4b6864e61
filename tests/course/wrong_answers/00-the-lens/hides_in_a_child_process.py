# grows: child processes
"""Have a child process keep every number, and give them back."""

import subprocess
import sys
from array import array
from itertools import islice

KEEPER = """
import sys
kept = sys.stdin.buffer.read()
sys.stdout.buffer.write(kept)
"""


def answer(numbers):
    command = [sys.executable, "-c", KEEPER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        coming = iter(numbers)
        while part := array("q", islice(coming, 10_000)):
            keeper.stdin.write(part.tobytes())
        keeper.stdin.close()
        yield from right(_numbers(keeper.stdout))


def _numbers(file):
    while part := file.read(80_000):
        yield from array("q", part)
