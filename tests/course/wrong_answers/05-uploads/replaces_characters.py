# wrong answer, error in your code
"""Replace the characters that are cut, and keep the half of a line."""

import csv


def valid_users(chunks):
    for row in csv.DictReader(lines(chunks)):
        parts = row["email"].split("@")
        if len(parts) == 2 and all(parts) and row["age"].isdigit() and int(row["age"]) <= 150:
            yield row["email"], row["name"], int(row["age"])


def lines(chunks):
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk.decode("utf-8-sig", errors="replace")).split("\n")
        yield from (line + "\n" for line in whole)
    yield rest
