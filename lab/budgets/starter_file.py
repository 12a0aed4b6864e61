"""The first file of budgets: it explains every key and has no budget yet."""

from pathlib import Path

from lab.budgets.budget_file import FILE, PROJECT
from lab.errors import LabError
from lab.report.files import write_text

FIRST = """\
# The memory budgets of this project; `lab check` measures and judges them.
#
# A line that begins with # and a letter or a bracket, without a space between them, is an example:
# remove the # to use it. Amounts of memory: "2 MiB", "512 kB", or 65536 for bytes.

# The figures of the last good run; `lab check --update` writes them. Commit the file.
#baseline = "memory-baseline.json"
# Libraries whose minor versions change those figures; leave it out for the default list.
#libraries = ["fastapi", "sqlalchemy"]

# A function. It takes the size and returns an iterable, which is drained, or a value.
#[budget.export]
#target = "app.exports:stream"
# A context manager that takes the size and yields the target's argument: a session, a file.
#setup = "app.exports:open_session"
# What the sizes count: n, rows, bytes, keys, batch, chunk, clients.
#axis = "rows"
# Five or more, each twice the one before; or a list such as [8000, 16000]; or one number.
#sizes = "8000..128000"
# How the peak grows along the axis: O(1) not at all, O(rows) in proportion to the rows.
#claim = "O(1)"
# Whether an inconclusive curve counts as kept.
#allow-inconclusive = false
# The highest peak allowed, at every size.
#peak = "2 MiB"
# The memory over the warm process with which the largest size must finish (Linux only).
#cap = "64 MiB"
# What is measured: "heap", or "rss" for the resident set.
#witness = "heap"
# Why a flat curve means something although the answer does not grow with the size.
#constant-answer = "it returns a count"
# Whether a smaller run comes before each measured one; a cache then has its first entries.
#warm-up = true
# Seconds for a point.
#timeout = 600

# An endpoint. A fresh server answers the request; {n} is the size.
#[budget.endpoint]
#request = "POST /posts/import?rows={n}"
#app = "app.main:app"
# $NAME is an environment variable: keep secrets out of this file.
#headers = ["Authorization: Bearer $TOKEN"]
# Upload a CSV, its size in "rows" or "bytes", as this field of a form.
#body = "rows"
#field = "file"
# The number of clients that send the request at the same time.
#clients = 8
#claim = "O(1)"

# A variant of a pattern of the lab, or of yours: "package.module:PATTERN". It brings its claim.
#[budget.lesson]
#pattern = "csv_export"
#variant = "joined_chunks"
#peak = "3 MB"
"""


def write_first(file: Path | None = None) -> Path:
    """Write a first file of budgets and return its path.

    Raises:
        LabError: The file exists already, or cannot be written.
    """
    path = file or Path(FILE)
    if path.name == PROJECT:
        raise LabError(f"--init does not write into a {PROJECT}: leave out --file.")
    if path.exists():
        raise LabError(f"{path} exists already: delete it, or name another file with --file.")
    write_text(path, FIRST)
    return path
