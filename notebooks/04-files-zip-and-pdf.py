# %% [markdown]
# # 04 Files, ZIP and PDF
#
# A server is to send a file, forty files as one ZIP, a report as a PDF. Which of them can be sent
# while they are made, and which have to be there first?
#
# *About 25 minutes, of which the machine works for less than one. Run the cells from top to
# bottom. If the next cell says that there is no module named `lab`, this kernel is not the
# course's: start with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("04")

# %% [markdown]
# ## Predict
#
# A file is cut into eight parts, and the parts are sent as the members of one ZIP, without
# compressing them. `naive` joins the blocks of each member, has `writestr` put it into an archive
# in a `BytesIO`, and yields that. `streaming` writes each block of 64 KiB into the archive as it
# is read, and yields what came of it.
#
# What is the most memory that each holds at one moment: for 2,000,000 bytes, and for 16,000,000?
# Replace the dots by amounts, such as `"3 MB"`. Your guess will be a thin line in the picture; a
# wrong one teaches more than none.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, in which every allocation is counted. The ZIP is received
# into a file and unpacked, and what is in it is compared: a ZIP that came quickly and does not
# open would be no answer.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# A ZIP looks like something that has to be complete before it can be sent. It is not. Members
# follow one another, each behind a short header, and the directory, which says where they are,
# comes last. `zipfile` writes in exactly this order; given a file on which it cannot go back, it
# puts the size and the checksum of a member behind it instead of before.
#
# So the naive archive waits for nothing that the format asks for. It waits for two calls:
# `writestr` wants a member whole, and `getvalue` wants the archive whole. The streaming one makes
# neither:

# %%
import inspect

from lab.patterns.zip_download import Outbox, block_by_block

print(inspect.getsource(block_by_block))
print(inspect.getsource(Outbox))

# %% [markdown]
# What it holds is a block, and for each member an entry of the directory that will be written at
# the end: a name and some numbers. An archive of a million small files does grow with their
# number.
#
# ### A file
#
# The simplest case of all, and the same two lines. Whole, a file costs what it has; in chunks it
# costs two of them, since the next one is read before the one that was sent is let go.

# %%
from lab.course.beside import beside

beside(
    (2_000_000, 16_000_000),
    "bytes",
    whole="file_download/read_whole",
    chunks="file_download/large_chunks",
)

# %% [markdown]
# ### A PDF
#
# Here a library stands between you and the format. ReportLab's canvas keeps every page until
# `save`, so rows that are streamed onto it are held all the same, as drawings. The format would
# allow otherwise: a PDF is a list of numbered objects, and its directory too comes last. The third
# function writes each page when it is full, and forgets it.

# %%
beside(
    (1_000, 3_000),
    "rows",
    in_memory="pdf_report/in_memory",
    canvas_to_a_file="pdf_report/into_a_file",
    page_by_page="pdf_report/page_by_page",
)

# %% [markdown]
# Look at `canvas_to_a_file`. Its rows come from a server-side cursor, its file is on disk, and it
# yields small chunks; read as code, it streams. Only the curve says that it does not.
#
# ### Two traps
#
# An open file is an iterable, and a streaming response takes iterables. What comes out of an open
# file is lines:

# %% tags=["trap"]
trap("open-files-yield-lines")

# %% [markdown]
# And the name of a file that a client may choose is not only a name. A path parameter holds no
# slash, which keeps out less than one would think:

# %%
trap("file-names-are-no-paths")

# %% [markdown]
# ## Exercise
#
# An endpoint sends exports as one ZIP, and a customer wants to be able to verify them: the last
# member is to hold the checksum of each of the others. The version in service joins every member
# for it. Write `archive` so that it does not.
#
# It gets pairs of a name and an iterator of blocks of bytes, which can be read once, and in this
# order. It yields the bytes of a ZIP with these members, under these names, in this order. One
# more member comes last: `SHA256SUMS`, with a line for each of the others as the command
# `sha256sum` writes it: the checksum in hexadecimal digits, two spaces, the name, a line end.
# Whether members are stored or deflated is up to you.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It runs
# at sizes and on members that you have not seen, and compares three things with a solution's: what
# is in the ZIP; the memory that each further byte costs; and whether 50,000,000 bytes get through
# while the kernel allows the process no more than 24 MiB above what it started with. A file that
# you write counts as memory.

# %% tags=["exercise"]
from collections.abc import Iterable, Iterator


def archive(members: Iterable[tuple[str, Iterator[bytes]]]) -> Iterator[bytes]:
    """Yield a ZIP of the members, and their checksums as its last one."""
    ...


# %% tags=["check"]
exercise.check()

# %% [markdown]
# Stuck? Take the `#` away and run the cell: it says a little more each time. And
# `exercise.solution()` shows one answer of many.

# %% tags=["hint"]
# exercise.hint()

# %% [markdown]
# ## Quiz
#
# The answers are in what you measured, not in what you have read.

# %% tags=["quiz"]
quiz(a=..., b=...)

# %% [markdown]
# ## When not to stream
#
# When the whole is small and has a size that you chose: an invoice of two pages, a ZIP of three
# icons. Made whole it has a `Content-Length`, so that a client can show how far it is; it can be
# kept and sent again, in part if a client was cut off; and if making it fails, the status says so.
# A ZIP that is sent while it is made has none of that. Something that many clients ask for is made
# once, written to a file, and sent from there.
#
# [Next: uploads](05-uploads.ipynb)
