"""A server that answers every request with one file by `sendfile`: the limit of a download.

Run as ``python -m benchmarks.sendfile FILE FD``; FD is the descriptor of a listening socket.
"""

import os
import socket
import sys
from pathlib import Path
from threading import Thread


def main() -> None:
    """Answer each connection once, in its own thread, until the process is killed."""
    path, fd = Path(sys.argv[1]), int(sys.argv[2])
    with socket.socket(fileno=fd) as listener:
        while True:
            connection, _ = listener.accept()
            Thread(target=answer, args=(connection, path), daemon=True).start()


def answer(connection: socket.socket, path: Path) -> None:
    """Read a request's head, send the file, and close."""
    with connection, path.open("rb") as file:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            block = connection.recv(4_096)
            if not block:
                return
            head += block
        size = os.fstat(file.fileno()).st_size
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        connection.sendfile(file)


if __name__ == "__main__":
    main()
