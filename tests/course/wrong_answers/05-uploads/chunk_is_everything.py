# grows, out of memory
"""Read in chunks, and join them."""

import csv
import io


def valid_users(chunks):
    body = bytearray()
    for chunk in chunks:
        body += chunk
    for row in csv.DictReader(io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")):
        parts = row["email"].split("@")
        if len(parts) == 2 and all(parts) and row["age"].isdigit() and int(row["age"]) <= 150:
            yield row["email"], row["name"], int(row["age"])
