"""What a driver with a connection of its own must be told to see what a session sees.

ADBC connects to PostgreSQL by itself. In your application its address is the one that you give
SQLAlchemy, and the rest of this file is not needed; the lab's sessions have a search path and a
view that no other connection has.
"""

from typing import Any

from psycopg2.extensions import make_dsn
from sqlalchemy import text
from sqlalchemy.orm import Session

_VIEWS = text(
    "select format('create temporary view %I as %s', relname, pg_get_viewdef(oid)) "
    "from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'v'"
)


def address(db: Session) -> str:
    """Return where a session's database is, for libpq, with the session's settings.

    A password is in it: it is for connecting, not for showing.
    """
    connection = db.connection()
    _, given = connection.dialect.create_connect_args(connection.engine.url)
    driver: Any = connection.connection.driver_connection
    name = driver.info.parameter_status("application_name")
    return str(make_dsn(**{**given, "options": driver.info.options, "application_name": name}))


def share_views(db: Session, cursor: Any) -> None:
    """Make a session's temporary views on another connection too.

    The lab shows a lesson the first rows of a larger table by such a view, which only the
    connection that made it can see.
    """
    for (statement,) in db.execute(_VIEWS).all():
        cursor.execute(statement)
