"""The fastest installed deflate, whose output zlib can inflate."""

import subprocess
import sys
import zlib

import pytest

from lab.toolbox.deflate import fast


def test_what_it_deflates_zlib_inflates():
    assert zlib.decompress(fast.compress(b"page " * 1_000, 1)) == b"page " * 1_000


def test_it_is_isa_l_where_that_is_installed():
    assert fast is pytest.importorskip("isal.isal_zlib")


def test_without_isa_l_it_is_zlib():
    """In another process, since this one has imported the module."""
    script = (
        "import sys; sys.modules['isal'] = None\n"
        "import zlib; from lab.toolbox.deflate import fast; assert fast is zlib"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
