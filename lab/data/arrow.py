"""Let a driver that opens its own connection, such as ADBC, see the same data as a session.

The lab's sessions have a search path and temporary views that no other connection has. In your
application the address is the one that SQLAlchemy gets, and you do not need this file.
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
    """Return a libpq connection string for a session's database, with the session's settings.

    It contains the password, so do not print it.
    """
    connection = db.connection()
    _, parameters = connection.dialect.create_connect_args(connection.engine.url)
    driver: Any = connection.connection.driver_connection
    name = driver.info.parameter_status("application_name")
    return str(make_dsn(**{**parameters, "options": driver.info.options, "application_name": name}))


def share_views(db: Session, cursor: Any) -> None:
    """Create a session's temporary views on another connection.

    Through such a view a lesson sees the first rows of a larger table. Only the connection that
    created a temporary view can see it.
    """
    for (statement,) in db.execute(_VIEWS).all():
        cursor.execute(statement)
