# wrong answer
"""Make a right archive of as many members with as many bytes, which are other ones."""

from lab.patterns.zip_download import block_by_block


def archive(members):
    return block_by_block((name, (bytes(len(one)) for one in blocks)) for name, blocks in members)
