# wrong answer: item
"""Take each line for a row, and each comma for the end of a cell."""

import codecs


def valid_users(chunks):
    rows = (line.split(",") for line in lines(chunks))
    header = next(rows)
    for cells in rows:
        row = dict(zip(header, cells, strict=False))
        parts = row.get("email", "").split("@")
        age = row.get("age", "")
        if len(parts) == 2 and all(parts) and age.isdigit() and int(age) <= 150:
            yield row["email"], row["name"], int(age)


def lines(chunks):
    rest = ""
    for text in codecs.iterdecode(chunks, "utf-8-sig"):
        *whole, rest = (rest + text).split("\r\n")
        yield from whole
    yield rest
