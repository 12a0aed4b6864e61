"""What data the lab has made, and where it is kept."""

import os
from collections.abc import Iterator

from lab.data.database import database, schema
from lab.data.embedded import place
from lab.data.files import files
from lab.data.home import home
from lab.data.seed import built
from lab.units import show_bytes


def describe_data() -> Iterator[str]:
    """Yield a line each about the database, the posts and the files."""
    with database() as engine, engine.connect() as connection:
        where = engine.url.render_as_string(hide_password=True)
        embedded = "" if os.environ.get("DATABASE_URL") else f"embedded, in {place().folder}; "
        yield f"Database: {embedded}{where}, schema {schema()}"
        there = built(connection)
        if there is None:
            yield "Posts: none yet; `lab data build` makes them"
        else:
            size = connection.exec_driver_sql(
                "select pg_total_relation_size('posts')::bigint"
            ).scalar_one()
            yield (
                f"Posts: {there.rows:,} with {there.keys} distinct tags, seed {there.seed}, "
                f"{show_bytes(size)}"
            )
    kept = [path.stat().st_size for path in files()]
    yield f"Files: {len(kept)} in {home() / 'files'}, {show_bytes(sum(kept))}"
