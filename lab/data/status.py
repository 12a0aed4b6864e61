"""Describe the data of the lab and where it is stored."""

import os
from collections.abc import Iterator

from lab.data.database import database, schema
from lab.data.embedded_postgres import place
from lab.data.files import files
from lab.data.home import home
from lab.data.seed import built
from lab.units import show_bytes


def describe_data() -> Iterator[str]:
    """Yield one line each about the database, the posts and the files."""
    with database() as engine, engine.connect() as connection:
        where = engine.url.render_as_string(hide_password=True)
        embedded = "" if os.environ.get("DATABASE_URL") else f"embedded, in {place().folder}; "
        yield f"Database: {embedded}{where}, schema {schema()}"
        data = built(connection)
        if data is None:
            yield "Posts: none yet; run `lab data build`"
        else:
            size = connection.exec_driver_sql(
                "select pg_total_relation_size('posts')::bigint"
            ).scalar_one()
            yield (
                f"Posts: {data.rows:,} with {data.keys} distinct tags, seed {data.seed}, "
                f"{show_bytes(size)}"
            )
    sizes = [path.stat().st_size for path in files()]
    yield f"Files: {len(sizes)} in {home() / 'files'}, {show_bytes(sum(sizes))}"
