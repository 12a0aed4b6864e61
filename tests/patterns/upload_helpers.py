"""What the tests of uploads share: a server with small limits, rows, and a raw client."""

import json
import socket
from contextlib import contextmanager

from lab.endpoints.tokens import token
from lab.net.client import request
from lab.net.server import running
from lab.toolbox.upload_form import FORM, as_form

LIMIT = 10_000_000
HEADER = b"email,name,age,can_export\n"
ROW = b"a@b.c,A,1,true"
ALLOWED = {"Authorization": f"Bearer {token()}"}


def people(count, first=0):
    """Make rows of users with different addresses."""
    return b"".join(b"p%d@b.c,P,1,true\n" % i for i in range(first, first + count))


@contextmanager
def serving(app="tests.patterns.upload_app:app", **environment):
    environment = {"MEMORY_LAB_MAX_UPLOAD": str(LIMIT), **environment}
    with running(app, environment) as server:
        yield server


def witness(server):
    return json.loads(request(f"{server.url}/witness").body)


def rests(server):
    """Tell whether no upload is in progress; a client that hung up may not be noticed yet."""
    now = witness(server)
    return (now["requests"], now["connections"]) == (0, 0)


def form(content, name="users.csv"):
    return b"".join(as_form([content], name))


class Sender:
    """A client that sends any bytes."""

    def __init__(self, server, path="/users/import", **headers):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = {"Host": "lab", "Content-Type": FORM, **ALLOWED, **given}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())

    def send(self, data):
        self.socket.sendall(data)

    def send_while_it_is_taken(self, size):
        """Send chunks of bad rows until the server closes; return the bytes that were sent."""
        chunk = b"10000\r\n" + (b"x" * 1_023 + b"\n") * 64 + b"\r\n"
        sent = 0
        try:
            while sent < size:
                self.socket.sendall(chunk)
                sent += 65_536
        except (BrokenPipeError, ConnectionResetError):
            pass
        return sent

    def receive(self):
        """Receive until the server closes."""
        received = b""
        try:
            while part := self.socket.recv(65_536):
                received += part
        except ConnectionResetError:
            pass
        return received

    def close(self):
        self.socket.close()
