# wrong answer
"""Make a right archive of the first blocks of each member."""

from itertools import islice

from lab.patterns.zip_download import block_by_block


def archive(members):
    return block_by_block((name, (one for one in islice(blocks, 4))) for name, blocks in members)
