"""A DATABASE_URL that cannot be used is one sentence that names what is wrong."""

import pytest

from lab.data.database import database
from lab.errors import LabError
from tests.helpers import call_lab


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://h/db?schema=public", "has the option 'schema', which .* does not know"),
        ("postgresql://h/db?sslmode=disable&pgbouncer=true", "has the option 'pgbouncer'"),
        ("postgresql+asyncpg://h/db?ssl=true", "has the option 'ssl'"),
        ("mysql://h/db", "names mysql, but the lessons need PostgreSQL: set it to postgresql://"),
        ("mysql+pymysql://h/db", "names mysql.pymysql, but"),
        ("sqlite:///x.db", "names sqlite, but"),
        ("sqlite:", "is not a database address: write postgresql://"),
        ("host=localhost dbname=db", "is not a database address"),
        ("postgresql://h:port/db", "is not a database address"),
        ("postgresql://[::1/db", "is not a database address"),
        ("postgres://127.0.0.1:1/db", "cannot be reached"),
        (" postgresql+psycopg://127.0.0.1:1/db ", "cannot be reached"),
        ("postgresql://127.0.0.1:1/db?sslmode=sometimes", "cannot be reached .*sslmode"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch, url, says):
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(LabError, match=says) as raised, database():
        pass
    assert "\n" not in str(raised.value)


def test_no_password_is_shown(monkeypatch):
    url = "postgresql://me:sesame@127.0.0.1:1/db?password=sesame&sslpassword=sesame"
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(LabError, match="cannot be reached") as raised, database():
        pass
    assert "sesame" not in str(raised.value)


def test_the_doctor_says_the_same(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/db?schema=public")
    said = call_lab("doctor")
    assert "FIX  PostgreSQL: DATABASE_URL has the option 'schema'" in said.stdout
