# grows: child processes
"""Have a child process keep everything, and give it back."""

import subprocess
import sys

KEEPER = "import sys; sys.stdout.write(sys.stdin.read())"


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    command = [sys.executable, "-c", KEEPER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as keeper:
        for chunk in chunks:
            keeper.stdin.write(chunk)
        keeper.stdin.close()
        while chunk := keeper.stdout.read(65_536):
            yield chunk
