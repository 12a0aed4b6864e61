# error in your code: KeyError
"""Decode as UTF-8 what a spreadsheet has saved with a mark."""

import codecs
import csv


def valid_users(chunks):
    for row in csv.DictReader(lines(chunks)):
        parts = row["email"].split("@")
        if len(parts) == 2 and all(parts) and row["age"].isdigit() and int(row["age"]) <= 150:
            yield row["email"], row["name"], int(row["age"])


def lines(chunks):
    rest = ""
    for text in codecs.iterdecode(chunks, "utf-8"):
        *whole, rest = (rest + text).split("\n")
        yield from (line + "\n" for line in whole)
    yield rest
