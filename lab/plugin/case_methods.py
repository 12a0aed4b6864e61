"""The size of a method of a `unittest.TestCase`, which takes no parameters from pytest."""

from functools import partial, update_wrapper
from unittest import TestCase

import pytest


def is_case_method(item: pytest.Function) -> bool:
    """Return whether a test is a method of a `TestCase`."""
    return item.cls is not None and issubclass(item.cls, TestCase)


def pass_size(item: pytest.Function, over: str, size: int) -> None:
    """Make the method of a `TestCase`, which is set up, get a size when unittest calls it.

    Args:
        item: The test.
        over: The argument that takes the size.
        size: Its value, also if the method was to get another one.
    """
    method = getattr(item.obj, "func", item.obj)
    item.obj = update_wrapper(partial(method, **{over: size}), method)
    # pytest lets unittest find a coroutine by its name.
    setattr(method.__self__, item.name, item.obj)
