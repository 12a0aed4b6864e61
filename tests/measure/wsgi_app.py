"""WSGI applications and factories, as somebody else writes them."""

import os

LOADED = "loaded"


def wsgi(environ, start_response):
    """Stream a hundred bytes for each item, or keep them, or count the body."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/streamed":
        return (bytes(100 * 500) for _ in range(int(query) // 500))
    if path == "/kept":
        return [str(len(bytes(100 * int(query)))).encode()]
    if path == "/fails":
        raise RuntimeError("no rows today")
    left, longest = int(environ.get("CONTENT_LENGTH") or 0), 0
    total = 0
    while left and (block := environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(block)
        total += len(block)
        longest = max(longest, len(block))
    return [f"{total} bytes, {longest} at once".encode()]


def create_app(name="plain", debug=False):
    def app(environ, start_response):
        start_response("200 OK", [])
        return [f"{name} {debug}".encode()]

    return app


async def answers(scope, receive, send):
    """An ASGI application that answers with the name of its setting."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = os.environ.get("MEASURED_APP", "none").encode()
        await send({"type": "http.response.body", "body": body})


class Asgi2:
    """An application of ASGI's second version."""

    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        await answers(self.scope, receive, send)


class Container:
    """Holds an application."""

    app = staticmethod(answers)


container = Container()


async def create_async():
    return answers


async def fails_later():
    raise ConnectionError("no database")


def fails():
    raise ConnectionError("no database")


def leaves():
    raise SystemExit("no settings")


def needs(config, db):
    return answers


def makes_nothing():
    return 5


async def takes_anything(*args):
    await answers(*args)


def takes_any(*args):
    return answers(*args)
