# %% [markdown]
# # 05 Uploads
#
# A client sends a CSV, and it is the client who decides how long it is, where it is cut, and what
# is in it. How do you take it in without holding it?
#
# *About 25 minutes, of which the machine works for less than one. Run the cells from top to
# bottom. If the next cell says that there is no module named `lab`, this kernel is not the
# course's: start with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("05")

# %% [markdown]
# ## Predict
#
# A request brings a CSV of users, to be validated and inserted. `naive` receives the whole body,
# decodes it, lists its rows, and inserts them all. `streaming` takes the body apart while it
# arrives, and inserts 1,000 rows at a time, in one transaction. A row of the CSV has some 80
# bytes.
#
# What is the most memory that each holds at one moment: for 500,000 bytes, and for 4,000,000?
# Replace the dots by amounts, such as `"3 MB"`. Your guess will be a thin line in the picture; a
# wrong one teaches more than none.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, in which every allocation is counted. Both are asked for
# the same: how many rows were imported, which were refused and why, and what the table then holds.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# The naive import holds several times what it was sent. The body is there as bytes, then as text,
# and then as rows: a dictionary for each, with a string for each cell. A short string takes far
# more than its letters. A limit on the size of an upload is therefore not a limit on memory; it
# has to be multiplied first, by a figure that you can now read off.
#
# The streaming import is a chain of generators. Each link holds what it cannot pass on yet, and
# nothing else: the decoder half a character, the lines half a line, the last one a batch.

# %%
import inspect

from lab.patterns.upload_stream import parse_as_it_arrives

print(inspect.getsource(parse_as_it_arrives))

# %% [markdown]
# The transaction is committed once, behind the last batch. An import that fails half-way has
# inserted nothing, as if it had been held in memory until its end. It was held by the database,
# which is made for that.
#
# ### Three traps
#
# By the time an endpoint has an `UploadFile`, the framework has received all of it and put it on
# disk. A limit that is enforced in the endpoint is enforced too late:

# %% tags=["trap"]
trap("limits-come-too-late")

# %% [markdown]
# Reading in chunks is not what saves memory. What becomes of the chunks does:

# %%
trap("joined-chunks-are-held-whole")

# %% [markdown]
# And a chunk ends where it ends, in the middle of a row or of a letter:

# %%
trap("chunks-cut-characters-in-two")

# %% [markdown]
# The last one is the reason for the exercise: it passes every test whose file is plain ASCII or
# fits into one chunk.
#
# ## Exercise
#
# Write `valid_users`, the front half of an import. It gets the chunks of a CSV in UTF-8, and
# yields a tuple `(email, name, age)` for each valid row, in their order, the age as a number.
# Others are passed over.
#
# A row is valid when its email has exactly one `@`, with something on both sides of it, and its
# age is a whole number from 0 to 150. The first row names the columns: `email`, `name` and `age`,
# in any order, and there may be others beside them. Every row has as many cells as there are
# columns.
#
# What clients send: chunks of any length, down to a single byte; names in every alphabet; cells in
# quotes, with commas, quotes and line ends in them; with a byte order mark in front, or without.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It runs
# at sizes and on rows that you have not seen, and compares three things with a solution's: the
# rows; the memory that each further row costs; and whether 200,000 rows get through while the
# kernel allows the process no more than 24 MiB above what it started with.

# %% tags=["exercise"]
from collections.abc import Iterable, Iterator


def valid_users(chunks: Iterable[bytes]) -> Iterator[tuple[str, str, int]]:
    """Yield email, name and age of each valid row."""
    ...


# %% tags=["check"]
exercise.check()

# %% [markdown]
# Stuck? Take the `#` away and run the cell: it says a little more each time. And
# `exercise.solution()` shows one answer of many.

# %% tags=["hint"]
# exercise.hint()

# %% [markdown]
# One thing is easily forgotten, and the check does not ask for it: a client may send a line that
# never ends. Whoever waits for its end holds it. `lab traps lines-without-end-are-held-whole`
# shows that, and the solution refuses such a line.
#
# ## Quiz
#
# The answers are in what you measured, not in what you have read.

# %% tags=["quiz"]
quiz(a=..., b=...)

# %% [markdown]
# ## When not to stream
#
# When all rows have to be seen before the first can be judged: a file that must be sorted, or
# whose last line is a checksum. Then put it on disk, which is what an `UploadFile` does for you,
# and read it from there as often as you need, a row at a time. And where a limit of some kilobytes
# is part of the contract, and is enforced before the body is taken in, `await file.read()` is one
# line that everybody understands.
#
# [Next: counting and lazy cursors](06-counting-and-lazy-cursors.ipynb)
