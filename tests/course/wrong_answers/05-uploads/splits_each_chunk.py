# wrong answer, error in your code
"""Take each chunk for whole lines."""

import codecs
import csv


def valid_users(chunks):
    for row in csv.DictReader(lines(chunks)):
        parts = row["email"].split("@")
        if len(parts) == 2 and all(parts) and row["age"].isdigit() and int(row["age"]) <= 150:
            yield row["email"], row["name"], int(row["age"])


def lines(chunks):
    for text in codecs.iterdecode(chunks, "utf-8-sig"):
        yield from text.splitlines(keepends=True)
