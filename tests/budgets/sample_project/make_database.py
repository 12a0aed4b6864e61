"""Fill the shop's file with orders: ``make_database.py ROWS``."""

import sys

from shop.database import ENGINE, Base
from sqlalchemy import text


def main() -> None:
    """Make the tables and have SQLite count the orders out."""
    rows = int(sys.argv[1])
    Base.metadata.create_all(ENGINE)
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
    with ENGINE.begin() as connection:
        connection.execute(
            text(f"INSERT INTO customers {count} SELECT i, 'Customer ' || i FROM n"), {"rows": 200}
        )
        order = "SELECT i, 1 + i % 200, printf('REF-%08d', i * 7919), i * 31 % 100000 FROM n"
        connection.execute(text(f"INSERT INTO orders {count} {order}"), {"rows": rows})


if __name__ == "__main__":
    main()
