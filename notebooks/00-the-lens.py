# %% [markdown]
# # 00 The lens
#
# "This only takes a little memory": how would you know? This notebook explains what all others
# measure: what a peak is, which memory it counts, and where that memory goes when your program no
# longer needs it.
#
# *About 20 minutes; half a minute of it is computing time. Run the cells from top to bottom. If
# the next cell reports that there is no module named `lab`, the notebook runs on another kernel:
# start JupyterLab with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*
#
# Every notebook of the course has the same steps. You predict a peak, and your prediction is kept.
# You measure. You read why the result is what it is, and you run one or more *traps*: short
# experiments in which common advice or common code fails. You write a function, which is graded by
# what it does in its own process. You answer two questions from your own measurements. This
# notebook needs no database; most of the others start one themselves.

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("00")

# %% [markdown]
# ## Predict
#
# Two functions add up the lengths of the lines of a log. `list` puts all lines into a list before
# it begins; `generator` asks for one line after the other. Their code:

# %%
import inspect

from lab.course.examples import log_lines

for function in (log_lines.lines, log_lines.add_up_a_list, log_lines.add_up_a_generator):
    print(inspect.getsource(function))

# %% [markdown]
# `lines` is a **generator function**. Calling it runs none of its code: the call returns a
# generator, which is an **iterator**. Each time `next` asks the generator for a line, its code
# runs up to the next `yield`, returns the value there, and waits. A `for` loop, `sum`, `map` and
# `list` all call `next`; they differ in what they do with the line afterwards.
#
# A line has about 30 characters. What is the peak of each function, that is, the most memory that
# it uses at one moment: with 10,000 lines, and with 80,000 lines? Replace the dots with amounts
# such as `"3 MB"`. The picture will show your guess as a thin line. A wrong guess teaches more
# than no guess.

# %% tags=["predict"]
predict(list=(..., ...), generator=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, with every allocation counted. Both axes are logarithmic:
# a rising line means a cost for each line of the log, and a level line means none.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# Both functions made every line, and returned the same answer. The difference is how many of the
# lines existed *at one moment*. The list refers to all of them until the function returns. In the
# other function nothing refers to a line after `len` has returned, and CPython frees an object as
# soon as its last reference is gone. The next line uses the same memory again.
#
# The most memory in use at one moment is the **peak**, and this course measures the peak. The
# memory in use at the end tells you nothing: both functions leave one number.
#
# ### Which memory
#
# There are two ways to measure, and they show different things.
#
# - The **heap** is what the program has allocated and not yet freed: objects, buffers, and the
#   allocations of a driver written in C. The lab counts it with memray. The figure is exact and
#   repeatable.
# - The **resident set** (RSS) is the memory that the kernel has given to the process, in pages.
#   `top` shows it, and it is most of what a container's memory limit counts.
#
# A program allocates memory in pieces of a few bytes, and the kernel gives it pages of a few
# thousand bytes. An allocator stands between the two. CPython's allocator takes memory from the
# kernel in large blocks, called arenas, and can return an arena only when nothing is left in it.
# The next cell runs a list of lines through four stages, each in fresh processes, and measures
# both the heap and the resident set at the end of each stage.

# %%
from lab.course.cells.freeing import what_comes_back

print(inspect.getsource(log_lines.hold_and_let_go))
what_comes_back()

# %% [markdown]
# Read the table from left to right, stage by stage.
#
# - The peak stays the same in every stage, because a peak lasts as long as the process. An
#   instrument that measures only at the end would report small figures for the second and the
#   fourth stage.
# - When one line in a hundred is kept, nearly all of the heap is free. The resident set hardly
#   changes: the lines that were kept are spread over all arenas, and each of them keeps its arena
#   from being returned.
# - That memory is not lost. When as many lines are made again, they fit between the lines that
#   were kept, and the resident set stays about the same.
# - When no line is kept, arenas become empty, and most of the memory goes back to the kernel.
#
# So a server that has answered one large request may stay large without any leak. The cure is a
# smaller peak. This is also why each point of a curve is measured in a fresh process: in a used
# process, free memory from an earlier run would hide what this run needs.
#
# ### Traps
#
# A generator saves memory only if the code that reads it does. Sorting needs all lines at once;
# `max` needs the current line and the longest line so far:

# %%
from lab.course.cells.side_by_side import beside

beside(
    (10_000, 80_000),
    sorted="lab.course.examples.log_lines:longest_by_sorting",
    max="lab.course.examples.log_lines:longest_by_max",
)

# %% [markdown]
# `itertools.tee` makes two iterators from one. It seems to cost nothing; but `tee` must keep every
# item that the first iterator has read and the second has not. Here the mean length of a line is
# calculated in two ways: first by adding up the first iterator and counting the second, then in
# one pass:

# %%
beside(
    (10_000, 80_000),
    tee="lab.course.examples.log_lines:mean_by_tee",
    once="lab.course.examples.log_lines:mean_in_one_pass",
)

# %% [markdown]
# A loop that reads one chunk at a time still keeps everything if it appends each chunk to the
# chunks before it. Uploads are often read in this way:

# %% tags=["trap"]
trap("joined-chunks-are-held-whole")

# %% [markdown]
# ## Exercise
#
# Write `batch_sums`. It gets an iterable of whole numbers, which may be a generator. It yields the
# sum of the first 1,000 numbers, of the next 1,000, and so on; at the end it yields the sum of the
# remaining numbers, if there are any. For 2,500 numbers it yields three sums, for 2,000 numbers
# two, and for no numbers none. A number may be 0, and so may a sum.
#
# The check runs this cell alone in a fresh process, so the cell must import everything that it
# uses. The check uses numbers that you have not seen, and compares three things with a reference
# solution: the sums; the memory that each additional number costs; and whether 3,000,000 numbers
# can be processed while the kernel limits the process to 16 MiB above its starting memory. Memory
# in child processes and in files counts too.

# %% tags=["exercise"]
from collections.abc import Iterable, Iterator


def batch_sums(numbers: Iterable[int]) -> Iterator[int]:
    """Yield the sum of each 1,000 numbers, and of the remaining ones."""
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
# When your data is small and has a known limit. The sums of the exercise are a thousandth of the
# numbers. A list of them can be counted, sorted, read twice and inspected in a debugger; a
# generator allows none of that. A generator can be read only once, and a second reader finds it
# empty, without an error. Stream data whose size you do not control, and use lists for the rest.
#
# [Next: reading rows](01-reading-rows.ipynb)
