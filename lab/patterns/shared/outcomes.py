"""The outcomes of the patterns: each function drains what a variant returned, and digests it.

It keeps one item at a time, so that draining adds little to the peak. The first argument is the
variant's return value; the others are the variant's own arguments.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZipFile

from sqlalchemy import text
from sqlalchemy.orm import Session

from lab.outcome import Digest, Outcome
from lab.patterns.shared.user_import import Report
from lab.streams import CHUNK
from lab.toolbox.pdf.text import PdfText


def digest_rows(rows: Iterator[Any], db: Session) -> Outcome:
    """Digest what an export shows of each row."""
    digest, count = Digest(), 0
    for row in rows:
        digest.add(f"{row.id}\t{row.title}\t{row.view_count}\t{row.created_at}")
        count += 1
    return Outcome(digest.hex(), {"rows": count, **db.info["counts"]})


def digest_titles(rows: Iterator[Any], db: Session) -> Outcome:
    """Digest the id and title of each row, and note the largest size of the identity map."""
    digest, count, in_map = Digest(), 0, 0
    for row in rows:
        digest.add(f"{row.id}\t{row.title}")
        count += 1
        in_map = max(in_map, len(db.identity_map))
    return Outcome(digest.hex(), {"rows": count, "in_map": in_map, **db.info["counts"]})


def digest_block(block: AbstractContextManager[Any], db: Session) -> Outcome:
    """Digest the id and title of each row, inside the block."""
    digest, count = Digest(), 0
    with block as rows:
        for row in rows:
            digest.add(f"{row.id}\t{row.title}")
            count += 1
    return Outcome(digest.hex(), {"rows": count, **db.info["counts"]})


def digest_text(chunks: Iterator[str | bytes], db: Session) -> Outcome:
    """Digest the text of an export, independent of where its chunks end."""
    digest, count, size = Digest(), 0, 0
    for chunk in chunks:
        encoded = chunk.encode() if isinstance(chunk, str) else chunk
        digest.update(encoded)
        count += 1
        size += len(encoded)
    return Outcome(digest.hex(), {"bytes": size, "chunks": count, **db.info["counts"]})


def digest_parts(parts: Iterator[int | str], db: Session) -> Outcome:
    """Digest a status and the lines after it."""
    digest, lines = Digest(), 0
    for part in parts:
        digest.add(part)
        lines += isinstance(part, str)
    return Outcome(digest.hex(), {"lines": lines, **db.info["counts"]})


def digest_bytes(blocks: Iterator[bytes], *_: object) -> Outcome:
    """Digest the bytes of a file, independent of where its blocks end."""
    digest, count, size = Digest(), 0, 0
    for block in blocks:
        digest.update(block)
        count += 1
        size += len(block)
    return Outcome(digest.hex(), {"bytes": size, "chunks": count})


def digest_members(archive: Iterator[bytes], *_: object) -> Outcome:
    """Receive a ZIP into a file, and digest its members' names and bytes.

    The bytes of the archive itself differ between libraries, and with the time of day.
    """
    digest, chunks, size = Digest(), 0, 0
    with TemporaryFile() as received:
        for chunk in archive:
            received.write(chunk)
            chunks += 1
            size += len(chunk)
        with ZipFile(received) as unpacked:
            names = unpacked.namelist()
            for name in names:
                digest.add([name, unpacked.getinfo(name).file_size])
                with unpacked.open(name) as member:
                    while block := member.read(CHUNK):
                        digest.update(block)
    return Outcome(digest.hex(), {"members": len(names), "bytes": size, "chunks": chunks})


def digest_report(chunks: Iterator[bytes], db: Session) -> Outcome:
    """Receive a PDF into a file, and digest the text of each page."""
    digest, size, count = Digest(), 0, 0
    with TemporaryFile() as received:
        for chunk in chunks:
            received.write(chunk)
            size += len(chunk)
        for texts in PdfText(received).pages():
            digest.add("\n".join(texts))
            count += 1
    return Outcome(digest.hex(), {"pages": count, "bytes": size, **db.info["counts"]})


def digest_counts(counts: list[tuple[str, int]], db: Session) -> Outcome:
    """Digest a list of names with their counts."""
    digest = Digest()
    digest.add(counts)
    return Outcome(digest.hex(), {"tags": len(counts), **db.info["counts"]})


def digest_import(report: Report, _: object, db: Session) -> Outcome:
    """Digest an import's report and, on the server, the table of users afterwards."""
    digest = Digest()
    digest.add([report.imported, report.duplicates, report.rejected, report.errors])
    table = text("select count(*), sum(hashtextextended(users::text, 0)) from users")
    digest.add([str(value) for value in db.execute(table).one()])
    counts = {"imported": report.imported, "rejected": report.rejected}
    return Outcome(digest.hex(), {**counts, **db.info["counts"]})


def digest_load(imported: int, upload: object, db: Session) -> Outcome:
    """Digest the number of loaded rows and the table of users, as `digest_import` does."""
    return digest_import(Report(imported), upload, db)
