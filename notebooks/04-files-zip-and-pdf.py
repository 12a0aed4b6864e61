# %% [markdown]
# # 04 Files, ZIP and PDF
#
# A server has to send a file, forty files as one ZIP, and a report as a PDF. Which of them can be
# sent while they are made, and which must be complete first?
#
# *About 25 minutes; less than one minute of it is computing time. Run the cells from top to
# bottom. If the next cell reports that there is no module named `lab`, the notebook runs on
# another kernel: start JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the
# top right.*

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("04")

# %% [markdown]
# ## Predict
#
# A file is cut into eight parts, and the parts are sent as the members of one ZIP, without
# compression. `naive` joins the blocks of each member, adds the member with `writestr` to an
# archive in a `BytesIO`, and yields the whole archive. `streaming` writes each block of 64 KiB
# into the archive as it is read, and yields the resulting bytes.
#
# What is the peak of each, that is, the most memory that it uses at one moment: for 2,000,000
# bytes, and for 16,000,000 bytes? Replace the dots with amounts such as `"3 MB"`. The picture will
# show your guess as a thin line. A wrong guess teaches more than no guess.

# %% tags=["predict"]
predict(naive=(..., ...), streaming=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, with every allocation counted. The ZIP is received into a
# file and unpacked, and the contents of the variants are compared: a ZIP that arrives quickly and
# cannot be opened is no answer.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# A ZIP looks like a format that must be complete before it can be sent. That is not so. The
# members follow one another, each after a short header, and the directory, which lists their
# positions, comes last. `zipfile` writes in exactly this order. If the output file cannot seek, it
# writes the size and the checksum of a member after the member instead of before it.
#
# So the format does not force the naive archive to wait. Two calls do: `writestr` needs a whole
# member, and `getvalue` returns the whole archive. The streaming variant uses neither:

# %%
import inspect

from lab.patterns.zip_download import ZipOutput, block_by_block

print(inspect.getsource(block_by_block))
print(inspect.getsource(ZipOutput))

# %% [markdown]
# It keeps one block, and for each member an entry of the directory that is written at the end: a
# name and a few numbers. So the memory for an archive of a million small files does grow with the
# number of files.
#
# ### A file
#
# This is the simplest case, and shows the same difference. Read whole, a file costs its size. In
# chunks it costs two chunks, because the next chunk is read before the previous one is freed.

# %%
from lab.course.cells.side_by_side import beside

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
# `save`, so rows that are streamed onto it stay in memory as drawing commands. The format does not
# require that: a PDF is a list of numbered objects, and its directory also comes last. The third
# function writes each page when it is full, and then drops it.

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
# yields small chunks. The code looks as if it streamed. Only the curve shows that it does not.
#
# ### Two traps
#
# An open file is an iterable, and a streaming response accepts iterables. But iterating over an
# open file gives lines:

# %% tags=["trap"]
trap("open-files-yield-lines")

# %% [markdown]
# A file name that a client may choose is more than a name. A path parameter cannot contain a
# slash, but this prevents less than you might expect:

# %%
trap("file-names-are-no-paths")

# %% [markdown]
# ## Exercise
#
# An endpoint sends exports as one ZIP, and a customer wants to verify them: the last member must
# contain the checksum of each of the others. The current version joins every member in memory for
# that. Write an `archive` that does not.
#
# It gets pairs of a name and an iterator of blocks of bytes, which can be read once and in this
# order. It yields the bytes of a ZIP with these members, under these names, in this order. One
# more member comes last: `SHA256SUMS`, with a line for each of the others in the format of the
# command `sha256sum`: the checksum in hexadecimal digits, two spaces, the name, a line end. You
# may store the members or compress them.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check uses sizes and members that you have not seen, and compares three things with a
# reference solution: the contents of the ZIP; the memory that each additional byte costs; and
# whether 50,000,000 bytes can be processed while the kernel limits the process to 24 MiB above its
# starting memory. Files that you write count as memory.

# %% tags=["exercise"]
from collections.abc import Iterable, Iterator


def archive(members: Iterable[tuple[str, Iterator[bytes]]]) -> Iterator[bytes]:
    """Yield a ZIP of the members, and their checksums as its last one."""
    ...


# %% tags=["check"]
exercise.check()

# %% [markdown]
# Stuck? Remove the `#` and run the cell: each run shows one more hint. `exercise.solution()` shows
# one correct answer; others exist.

# %% tags=["hint"]
# exercise.hint()

# %% [markdown]
# ## Quiz
#
# The answers are in your measurements, not in the text.

# %% tags=["quiz"]
quiz(a=..., b=...)

# %% [markdown]
# ## When not to stream
#
# When the whole is small and you know its size: an invoice of two pages, a ZIP of three icons. If
# it is made before it is sent, it has a `Content-Length`, so that a client can show progress. It
# can be kept and sent again, or only in part if a transfer was interrupted. And if making it
# fails, the status reports that. A ZIP that is sent while it is made has none of these. If many
# clients request the same file, make it once, write it to disk, and send it from there.
#
# [Next: uploads](05-uploads.ipynb)
