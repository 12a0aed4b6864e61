"""Build posts, authors and an empty table of users inside the database server, from a seed.

Each value is a function of the row's number and the seed. So a smaller table is a prefix of a
larger one, and a table that is too small is extended.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, Engine, text
from sqlalchemy.schema import CreateSchema, CreateTable, DropSchema

from lab.data.database import database, explained, schema
from lab.data.embedded_postgres import place
from lab.data.models import Base
from lab.errors import LabError

ROWS = 1_000_000
KEYS = 200
AUTHORS = 1_000
PATIENCE = "10s"
"""Time to wait for a lock on the tables before giving up."""

_LAYOUT = 1
_CHUNK = 50_000
_BYTES_PER_ROW = 900
_ADD_REFERENCE = (
    "alter table posts add constraint posts_author_id_fkey "
    "foreign key (author_id) references authors (id)"
)
_DROP_REFERENCE = "alter table posts drop constraint posts_author_id_fkey"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Built:
    """The contents of the lab's schema; stored as the comment of the schema.

    Attributes:
        rows: Number of posts.
        keys: Number of distinct tags.
        seed: Seed of all values.
        layout: Version of the tables; tables of an older version are rebuilt.
    """

    rows: int
    keys: int = KEYS
    seed: int = 1
    layout: int = _LAYOUT

    def comment(self) -> str:
        """Return the comment that identifies the schema as the lab's."""
        return json.dumps({"made by": "memory-lab", **asdict(self)})


def built(connection: Connection) -> Built | None:
    """Return the contents of the lab's schema, or None if the schema does not exist.

    Raises:
        LabError: A schema of that name exists that the lab did not create.
    """
    comment = connection.execute(
        text("select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = :name"),
        {"name": schema()},
    ).one_or_none()
    if comment is None:
        return None
    try:
        fields = json.loads(comment[0])
        if fields.pop("made by") != "memory-lab":
            raise ValueError
        return Built(**fields)
    except (TypeError, ValueError, KeyError, AttributeError):
        raise LabError(
            f"the database has a schema {schema()} that the lab did not create: "
            "set MEMORY_LAB_SCHEMA to another name."
        ) from None


@contextmanager
def posts_ready(rows: int, **_: int) -> Iterator[None]:
    """Keep the database running, with at least ``rows`` posts in it."""
    with database() as engine:
        build(engine, rows)
        yield


def build(
    engine: Engine,
    rows: int = ROWS,
    keys: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Built:
    """Build the missing rows in one transaction; return the contents of the schema.

    Data with another number of keys or another seed than requested is rebuilt. If these are None,
    existing data is kept and extended.

    Args:
        engine: From `database`.
        rows: Minimum number of posts; additional ones stay.
        keys: Number of distinct tags; 200 for a new table.
        seed: Any whole number; 1 for a new table.
        progress: Called with the number of rows built so far.

    Raises:
        LabError: The schema is not the lab's, the disk is too small, or the tables are locked.
    """
    with explained(engine):
        with engine.connect() as connection, connection.begin():
            # A second process waits here, and then has nothing left to build.
            connection.execute(text("select pg_advisory_xact_lock(hashtext(:n))"), {"n": schema()})
            before = built(connection)
            wanted = _target(before, rows, keys, seed)
            if wanted == before:
                return wanted
            _limit_lock_wait(connection)
            _make(connection, before, wanted, progress)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum (freeze) authors, posts"))
    return wanted


def drop(engine: Engine) -> Built | None:
    """Drop the lab's schema, and nothing else; return what it contained."""
    with explained(engine), engine.begin() as connection:
        before = built(connection)
        if before is not None:
            _limit_lock_wait(connection)
            connection.execute(DropSchema(schema(), cascade=True))
    return before


def _limit_lock_wait(connection: Connection) -> None:
    """Fail after `PATIENCE` if another process has locked the tables."""
    connection.exec_driver_sql(f"set local lock_timeout = '{PATIENCE}'")


def _target(before: Built | None, rows: int, keys: int | None, seed: int | None) -> Built:
    default = before if before is not None and before.layout == _LAYOUT else Built(0)
    wanted = Built(rows, keys or default.keys, default.seed if seed is None else seed)
    if before is not None and replace(wanted, rows=before.rows) == before:
        return replace(wanted, rows=max(rows, before.rows))
    return wanted


def _make(
    connection: Connection, before: Built | None, wanted: Built, progress: Progress | None
) -> None:
    have = before.rows if before == replace(wanted, rows=before.rows if before else 0) else 0
    _check_room(wanted.rows - have)
    if have == 0:
        _make_tables(connection, wanted, rebuild=before is not None)
    else:
        connection.execute(text(_DROP_REFERENCE))
    for first in range(have + 1, wanted.rows + 1, _CHUNK):
        last = min(first + _CHUNK - 1, wanted.rows)
        connection.execute(_INSERT_POSTS, {"first": first, "last": last, "authors": AUTHORS})
        if progress is not None:
            progress(last)
    # One check of all references at the end is cheaper than a check for each row.
    connection.execute(text(_ADD_REFERENCE))
    connection.execute(text("analyze authors, posts"))
    connection.exec_driver_sql(f"comment on schema {schema()} is '{wanted.comment()}'")


def _check_room(rows: int) -> None:
    """Raise LabError if the disk of the embedded server is too small for ``rows`` more posts."""
    if os.environ.get("DATABASE_URL"):
        return
    folder = place().folder
    free = shutil.disk_usage(folder).free
    if free < rows * _BYTES_PER_ROW * 1.5:
        raise LabError(
            f"{rows:,} posts need about {rows * _BYTES_PER_ROW / 10**6:,.0f} MB on the disk of "
            f"{folder}, but only {free / 10**6:,.0f} MB are free: free some space, or set "
            "MEMORY_LAB_HOME to a folder on another disk."
        )


def _make_tables(connection: Connection, wanted: Built, rebuild: bool) -> None:
    if rebuild:
        connection.execute(DropSchema(schema(), cascade=True))
    connection.execute(CreateSchema(schema()))
    connection.exec_driver_sql(_FUNCTIONS.format(seed=int(wanted.seed), keys=int(wanted.keys)))
    for table in Base.metadata.sorted_tables:
        connection.execute(CreateTable(table, include_foreign_key_constraints=[]))
    connection.execute(_INSERT_AUTHORS, {"authors": AUTHORS})


_FUNCTIONS = """
create function noise(id bigint, salt int) returns bigint
    language sql immutable parallel safe as
$$ select hashint8extended(id, {seed}::bigint * 16 + salt) & x'1fffffffffffff'::bigint $$;

create function topic(id bigint, salt int, keys int) returns text
    language sql immutable parallel safe as
$$ select 'topic-' || floor(keys * power(noise(id, salt) / 9007199254740992.0::float8, 2))::int $$;

create function topics(id bigint, keys int default {keys}) returns text[]
    language sql immutable parallel safe as
$$ select array[topic(id, 4, keys), topic(id, 5, keys), topic(id, 6, keys)] $$;
"""
"""noise: 53 bits from a row number; topics: three tags, low numbers being more frequent."""

_INSERT_AUTHORS = text(
    """
    insert into authors (id, name)
    select id, first[1 + id % 10] || ' ' || last[1 + id / 10 % 20] || ' ' || id
    from generate_series(1, :authors) id, (select
        array['Ada', 'Björn', 'Chloé', 'Dmitri', 'Élodie', 'Fatima', 'Grace', 'Håkon', 'Inês',
              'José'] first,
        array['Lovelace', 'Åström', 'Nguyễn', 'Иванова', 'Müller', 'O''Brien', '渡辺', 'Kowalski',
              'Łukasz', 'Papadopoulos', 'Silva', 'Smith', 'Sørensen', 'Tanaka', 'Ünal', 'Varga',
              'Weiß', 'Xu', 'Young', 'Žižek'] last) names
    """
)

_INSERT_POSTS = text(
    """
    insert into posts (id, title, body, author_id, view_count, published, tags, created_at)
    select id,
        case a % 20 when 0 then 'Notes on "' else 'Notes on ' end
            || word[1 + a / 20 % 16] || case a % 20 when 0 then '", ' else ' and ' end
            || word[1 + a / 320 % 16] || ', part ' || a / 5120 % 1000,
        repeat('Post ' || lpad(id::text, 7, '0') || ' about ' || word[1 + a / 20 % 16] || '. ', 19),
        case b % 50 when 0 then null else 1 + b / 50 % :authors end,
        c % 100000,
        c / 100000 % 10 <> 0,
        topics(id),
        timestamptz '2024-01-01 00:00:00+00' + (id - 1) * interval '31 seconds'
    from (
        select id, noise(id, 1) a, noise(id, 2) b, noise(id, 3) c
        from generate_series(:first, :last) id
    ) numbers, (select
        array['memory', 'streams', 'cursors', 'batches', 'iterators', 'generators', 'chunks',
              'queries', 'sessions', 'sockets', 'pages', 'buffers', 'digests', 'limits', 'clients',
              'servers'] word) words
    """
)
