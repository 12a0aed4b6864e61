# %% [markdown]
# # 05 Uploads
#
# A client sends a CSV. The client decides how long it is, where the chunks are cut, and what the
# CSV contains. How do you import it without keeping all of it in memory?
#
# *About 25 minutes; less than one minute of it is computing time. Run the cells from top to
# bottom. If the next cell reports that there is no module named `lab`, the notebook runs on
# another kernel: start JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the
# top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("05")

# %% [markdown]
# ## Predict
#
# A request contains a CSV of users, to be validated and inserted. `naive` receives the whole body,
# decodes it, makes a list of its rows, and inserts them all. `streaming` parses the body while it
# arrives, and inserts 1,000 rows at a time, in one transaction. A row of the CSV has about 80
# bytes.
#
# What is the peak of each, that is, the most memory that it uses at one moment: for 500,000 bytes,
# and for 4,000,000 bytes? Replace the dots with amounts such as `"3 MB"`. The picture will show
# your guess as a thin line. A wrong guess teaches more than no guess.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, with every allocation counted. Both variants must give
# the same answer: how many rows were imported, which rows were rejected and why, and what the
# table then contains.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# The naive import needs several times the size of the upload. The body exists as bytes, then as
# text, and then as rows: a dictionary for each row, with a string for each cell. A short string
# needs far more memory than its letters. So a limit on the size of an upload is not a limit on
# memory. You have to multiply it first, by a factor that you can now read from your curve.
#
# The streaming import is a chain of generators. Each of them keeps only what it cannot pass on
# yet: the decoder keeps half a character, the line splitter half a line, and the last generator a
# batch of rows.

# %%
import inspect

from lab.patterns.upload_stream import parse_as_it_arrives

print(inspect.getsource(parse_as_it_arrives))

# %% [markdown]
# The transaction is committed once, after the last batch. An import that fails in the middle has
# inserted nothing, just as if all rows had been kept in memory until the end. The database kept
# them instead, and a database is made for that.
#
# ### Three traps
#
# By the time an endpoint gets an `UploadFile`, the framework has received the whole body and
# written it to disk. A limit that the endpoint enforces comes too late:

# %% tags=["trap"]
trap("limits-come-too-late")

# %% [markdown]
# Reading in chunks does not save memory by itself. What matters is what you do with the chunks:

# %%
trap("joined-chunks-are-held-whole")

# %% [markdown]
# And a chunk can end anywhere, in the middle of a row or of a character:

# %%
trap("chunks-cut-characters-in-two")

# %% [markdown]
# The last trap is the reason for the exercise: its mistake passes every test whose file is plain
# ASCII or fits into one chunk.
#
# ## Exercise
#
# Write `valid_users`, the first half of an import. It gets the chunks of a CSV in UTF-8, and
# yields a tuple `(email, name, age)` for each valid row, in their order, with the age as a number.
# It skips the other rows.
#
# A row is valid if its email has exactly one `@`, with something on both sides of it, and its age
# is a whole number from 0 to 150. The first row names the columns: `email`, `name` and `age`, in
# any order, and there may be other columns. Every row has as many cells as there are columns.
#
# Clients send chunks of any length, down to a single byte. Names may use any alphabet. Cells may
# be quoted, and contain commas, quotes and line ends. The file may or may not start with a byte
# order mark.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check uses sizes and rows that you have not seen, and compares three things with a
# reference solution: the rows; the memory that each additional row costs; and whether 200,000 rows
# can be processed while the kernel limits the process to 24 MiB above its starting memory.

# %% tags=["exercise"]
from collections.abc import Iterable, Iterator


def valid_users(chunks: Iterable[bytes]) -> Iterator[tuple[str, str, int]]:
    """Yield email, name and age of each valid row."""
    ...


# %% tags=["check"]
exercise.check()

# %% [markdown]
# Stuck? Remove the `#` and run the cell: each run shows one more hint. `exercise.solution()` shows
# one correct answer; others exist.

# %% tags=["hint"]
# exercise.hint()

# %% [markdown]
# One risk is easily forgotten, and the check does not test for it: a client may send a line that
# never ends. Code that waits for the end of the line keeps all of it in memory. The command
# `lab traps lines-without-end-are-held-whole` shows that, and the reference solution rejects such
# a line.
#
# ## Quiz
#
# The answers are in your measurements, not in the text.

# %% tags=["quiz"]
quiz(a=..., b=...)

# %% [markdown]
# ## When not to stream
#
# When you need all rows before you can judge the first: a file that must be sorted, or whose last
# line is a checksum. Then put the file on disk, as an `UploadFile` does for you, and read it from
# there as often as you need, one row at a time. And if your contract has a limit of a few
# kilobytes, which is enforced before the body is received, `await file.read()` is one line that
# everybody understands.
#
# [Next: counting and lazy cursors](06-counting-and-lazy-cursors.ipynb)
