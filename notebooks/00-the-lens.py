# %% [markdown]
# # 00 The lens
#
# "This only takes a little memory": how would you know? This notebook makes the lens that the
# others look through: what a peak is, whose memory it is, and where it goes when you are done with
# it.
#
# *About 20 minutes, of which the machine works for half of one. Run the cells from top to bottom.
# If the next cell says that there is no module named `lab`, this kernel is not the course's: start
# with `make notebooks`, and choose "Python 3 (ipykernel)" at the top right.*
#
# Every notebook of the course goes the same way. You predict before you measure, and the prediction
# is kept; you read why it came out as it did, and spring a trap or two; you write a function, which
# is judged by what it does in a process of its own; and you answer two questions out of your own
# measurement. Nothing here needs a database; most of the others bring theirs along.

# %%
from lab.course import notebook

predict, measure, trap, exercise, quiz, live = notebook("00")

# %% [markdown]
# ## Predict
#
# Two functions add up the lengths of the lines of a log. `list` has all of the lines in a list
# before it begins; `generator` asks for one line after the other. Their code:

# %%
import inspect

from lab.course import lens

for function in (lens.lines, lens.add_up_a_list, lens.add_up_a_generator):
    print(inspect.getsource(function))

# %% [markdown]
# `lines` is a **generator function**. Calling it runs none of its code: it gives back a generator,
# which is an **iterator**. Each time that `next` asks it for a line, its code runs up to the next
# `yield`, hands over what stands there, and waits. A `for` loop, `sum`, `map` and `list` are all
# made of calls to `next`; what differs is what they do with the line afterwards.
#
# A line has some 30 characters. What is the most memory that each function holds at one moment:
# with 10,000 lines, and with 80,000? Replace the dots by amounts, such as `"3 MB"`. Your guess will
# be a thin line in the picture; a wrong one teaches more than none.

# %% tags=["predict"]
predict(list=(..., ...), generator=(..., ...))

# %% [markdown]
# ## Measure
#
# Each point is a run in a fresh process, in which every allocation is counted. Both axes are
# logarithmic: a line that rises with the lines of the log costs something for each of them, and a
# level one does not.

# %% tags=["measure"]
measure()

# %% [markdown]
# ## Explain
#
# Both functions made every line, and gave the same answer. The difference is how many of the lines
# there were *at one moment*. The list knows all of them until the function returns. In the other
# function nobody knows a line any more once `len` has seen it, and CPython frees an object at once
# when its last reference goes; the next line takes its place.
#
# That most-at-one-moment is the **peak**, and it is what this course measures. What is left at the
# end says nothing: both functions leave one number behind.
#
# ### Whose memory
#
# There are two ways to look, and they see different things.
#
# - The **heap** is what the program has asked for and not yet given back: objects, buffers, what a
#   driver written in C allocates. The lab counts it with memray. It is exact, and repeats.
# - The **resident set**, RSS, is what the kernel has handed to the process in pages of memory. It
#   is what `top` shows, and most of what a container is held to.
#
# A program asks for memory in pieces of some bytes, and the kernel gives pages of some thousand.
# Between the two stands an allocator. CPython's takes memory from the kernel in large blocks,
# called arenas, and can return one only when nothing at all is left in it. The next cell goes
# through four stages with a list of lines, and looks at the end of each, in fresh processes, with
# both.

# %%
from lab.course.freeing import what_comes_back

print(inspect.getsource(lens.hold_and_let_go))
what_comes_back()

# %% [markdown]
# Read the table from the left to the right, stage by stage.
#
# - The column of the peak stays where it was: a peak is over only when the process is. A meter that
#   looks at the end would have called the second stage, and the fourth, small.
# - When one line in a hundred is kept, nearly all of the heap is free. The resident set hardly
#   notices: the lines that were kept are spread over all arenas, and each holds its arena.
# - That memory is not lost. When as many lines are made again, they find room between the ones that
#   were kept, and the resident set stays about where it was.
# - When nothing is kept, arenas become empty, and most of it goes back to the kernel.
#
# So a server that has once answered a large request may stay large, with no leak anywhere, and what
# cures that is a smaller peak. It is also why each point of a curve is taken in a fresh process: in
# a used one, the room that an earlier run has left would hide what this one needs.
#
# ### Traps
#
# A generator is only as lazy as whoever takes from it. To sort, one has to have everything; `max`
# needs one line, and the one that was the longest so far:

# %%
from lab.course.beside import beside

beside(
    (10_000, 80_000),
    sorted="lab.course.lens:longest_by_sorting",
    max="lab.course.lens:longest_by_max",
)

# %% [markdown]
# `itertools.tee` makes two iterators of one. It looks as if it cost nothing; but what the first has
# taken and the second has not, somebody has to keep. Here the mean length of a line is worked out
# by adding up the first and counting the second, and then in one pass:

# %%
beside(
    (10_000, 80_000),
    tee="lab.course.lens:mean_by_tee",
    once="lab.course.lens:mean_in_one_pass",
)

# %% [markdown]
# And a loop that takes one chunk at a time holds everything all the same, if it adds each chunk to
# what it has. This is how an upload is often read:

# %% tags=["trap"]
trap("joined-chunks-are-held-whole")

# %% [markdown]
# ## Exercise
#
# Write `batch_sums`. It gets an iterable of whole numbers, which may be a generator, and yields the
# sum of the first 1,000, of the next 1,000, and so on; at the end, that of those that are left, if
# there are any. Of 2,500 numbers it yields three sums, of 2,000 numbers two, and of none nothing. A
# number may be 0, and so may a sum.
#
# The check runs this cell by itself in a fresh process, so it has to import what it needs. It runs
# with numbers that you have not seen, and compares three things with a solution's: the sums; the
# memory that each further number costs; and whether 3,000,000 numbers get through while the kernel
# allows the process no more than 16 MiB above what it started with. What the function has in child
# processes or in files counts as well.

# %% tags=["exercise"]
from collections.abc import Iterable, Iterator


def batch_sums(numbers: Iterable[int]) -> Iterator[int]:
    """Yield the sum of each 1,000 numbers, and of those that are left."""
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
# When what you have is small and has a bound. The sums of the exercise are a thousandth of the
# numbers: a list of them can be counted, sorted, gone through twice and looked at in a debugger,
# and a generator can do none of that. It can be taken from once, and whoever comes second finds it
# empty without an error. Stream what grows with something that you did not choose, and keep lists
# for the rest.
#
# [Next: reading rows](01-reading-rows.ipynb)
