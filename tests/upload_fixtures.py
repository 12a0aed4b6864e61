"""Fixtures of the tests of uploads: a server with few means, and an empty table of users."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import text

from lab.client import request
from lab.data.database import database
from lab.data.seed import build, drop
from lab.multipart import FORM
from tests.uploads import ALLOWED, Sender, serving


@pytest.fixture(scope="module")
def users_table():
    """An engine on a schema for this file alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMORY_LAB_SCHEMA", f"memory_lab_{uuid4().hex[:12]}")
        with database() as engine:
            build(engine, 1)
            yield engine
            drop(engine)


@pytest.fixture(scope="module")
def server(users_table):
    with serving() as server:
        yield server


@pytest.fixture
def users(users_table):
    """Count the users, of whom there are none at first."""
    with users_table.begin() as connection:
        connection.execute(text("truncate users"))

    def count():
        with users_table.connect() as connection:
            return connection.execute(text("select count(*) from users")).scalar_one()

    return count


@pytest.fixture
def send(server, users):
    """Send a form, or any body, and return the status and what the answer says."""

    def post(body, path="/users/import", kind=FORM, headers=ALLOWED):
        found = request(server.url + path, "POST", {"Content-Type": kind, **headers}, body)
        return found.status, json.loads(found.body)

    return post


@pytest.fixture
def sender(server, users):
    """Connect raw clients, and hang up at the end."""
    connected = []

    def connect(path="/users/import", **headers):
        connected.append(Sender(server, path, **headers))
        return connected[-1]

    yield connect
    for one in connected:
        one.close()
