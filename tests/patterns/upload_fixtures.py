"""Fixtures for the tests of uploads: a server with small limits, and an empty table of users."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import text

from lab.data.database import database
from lab.data.seed import build, drop
from lab.net.client import request
from lab.toolbox.upload_form import FORM
from tests.patterns.upload_helpers import ALLOWED, Sender, serving


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
    """Empty the table of users, and return a function that counts them."""
    with users_table.begin() as connection:
        connection.execute(text("truncate users"))

    def count():
        with users_table.connect() as connection:
            return connection.execute(text("select count(*) from users")).scalar_one()

    return count


@pytest.fixture
def send(server, users):
    """Send a form, or any body, and return the status and the JSON of the answer."""

    def post(body, path="/users/import", kind=FORM, headers=ALLOWED):
        response = request(server.url + path, "POST", {"Content-Type": kind, **headers}, body)
        return response.status, json.loads(response.body)

    return post


@pytest.fixture
def sender(server, users):
    """Connect raw clients, and close them at the end."""
    connected = []

    def connect(path="/users/import", **headers):
        connected.append(Sender(server, path, **headers))
        return connected[-1]

    yield connect
    for client in connected:
        client.close()
