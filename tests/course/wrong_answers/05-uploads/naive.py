# out of memory
"""Join the whole body, decode it, and list its rows."""

import csv
import io


def valid_users(chunks):
    text = b"".join(chunks).decode("utf-8-sig")
    users = []
    for row in list(csv.DictReader(io.StringIO(text, newline=""))):
        parts = row["email"].split("@")
        if len(parts) == 2 and all(parts) and row["age"].isdigit() and int(row["age"]) <= 150:
            users.append((row["email"], row["name"], int(row["age"])))
    return users
