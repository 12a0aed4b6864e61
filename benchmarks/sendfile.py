"""A server that has the kernel send one file, whatever it is asked: the limit of a download.

Run as ``python -m benchmarks.sendfile FILE FD``, FD being a socket that listens already.
"""

import os
import socket
import sys
from pathlib import Path
from threading import Thread


def main() -> None:
    """Answer each connection once, in a thread of its own, until the process is ended."""
    path, fd = Path(sys.argv[1]), int(sys.argv[2])
    with socket.socket(fileno=fd) as listener:
        while True:
            connection, _ = listener.accept()
            Thread(target=answer, args=(connection, path), daemon=True).start()


def answer(connection: socket.socket, path: Path) -> None:
    """Read a request's head, send the file, and close."""
    with connection, path.open("rb") as file:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            got = connection.recv(4_096)
            if not got:
                return
            asked += got
        size = os.fstat(file.fileno()).st_size
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        connection.sendfile(file)


if __name__ == "__main__":
    main()
