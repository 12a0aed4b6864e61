"""The first file of budgets: every key explained, nothing in it yet."""

from pathlib import Path

from lab.budgets.file import FILE, PROJECT
from lab.errors import LabError
from lab.report.json import write_text

FIRST = """\
# What this project promises about its memory; `lab check` holds it to that.
#
# A line that begins with # and a letter or a bracket, without a blank between them, is an example:
# take the # away. Amounts are written "2 MiB", "512 kB", or 65536 for bytes.

# Figures of the last good run, written by `lab check --update` and committed with the code.
#baseline = "memory-baseline.json"
# Libraries whose minor versions those figures belong to; the usual ones, if none are named.
#libraries = ["fastapi", "sqlalchemy"]

# A function. It takes the size and returns an iterable, which is drained, or a value.
#[budget.export]
#target = "app.exports:stream"
# What takes the size instead and yields the target's argument: an open session, a file.
#setup = "app.exports:open_session"
# What the sizes count: n, rows, bytes, keys, batch, chunk, clients.
#axis = "rows"
# Five or more, each twice the one before; or a list such as [8000, 16000], or one number.
#sizes = "8000..128000"
# How its peak may grow along the axis: O(1) not at all, O(rows) in proportion.
#claim = "O(1)"
# Whether a curve that cannot tell counts as kept.
#allow-inconclusive = false
# Its peak at every size.
#peak = "2 MiB"
# The memory, over the warm process, with which the largest size must be survived (Linux).
#cap = "64 MiB"
# Who looks: "heap", or "rss" for the resident set.
#witness = "heap"
# Seconds for a point.
#timeout = 600

# An endpoint: a fresh server answers, {n} being the size.
#[budget.endpoint]
#request = "POST /posts/import?rows={n}"
#app = "app.main:app"
# $NAME is a variable of the environment: what is secret belongs in no file.
#headers = ["Authorization: Bearer $TOKEN"]
# Uploads a CSV of so many "rows" or "bytes", as a form with this field.
#body = "rows"
#field = "file"
# How many send the request at once.
#clients = 8
#claim = "O(1)"

# A variant of a pattern of the lab, or of your own: "package.module:PATTERN". It has a claim.
#[budget.lesson]
#pattern = "csv_export"
#variant = "joined_chunks"
#peak = "3 MB"
"""


def write_first(file: Path | None = None) -> Path:
    """Write a first file of budgets and return where it is.

    Raises:
        LabError: There is one already, or it cannot be written.
    """
    path = file or Path(FILE)
    if path.name == PROJECT:
        raise LabError(f"a first file is not written into a {PROJECT}: leave out --file.")
    if path.exists():
        raise LabError(f"{path} is there already: delete it, or name another by --file.")
    write_text(path, FIRST)
    return path
