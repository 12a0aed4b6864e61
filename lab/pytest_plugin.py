"""The pytest plugin: two markers and a fixture. The lab is imported when a test first uses them."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab.plugin.fixture import MemoryLab

MARKERS = ("memory_budget", "memory_growth")

_DESCRIPTIONS = (
    "memory_budget(peak, *, warm_up=False, timeout=600): "
    "the peak heap of the test's body, alone in a fresh process, stays within the amount, such as "
    '"2 MiB".',
    "memory_growth(claim, *, over, sizes=None, axis=None, warm_up=True, "
    "allow_inconclusive=False, timeout=600): "
    'the body is run at each size, given as the argument named by "over", and its peak heap grows '
    'as claimed, such as "O(1)".',
)

_PLAIN = ("no_memory_lab", "collectonly", "setuponly", "setupplan", "trace")
"""Options with which markers have no effect."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--no-memory-lab``."""
    parser.getgroup("memory-lab").addoption(
        "--no-memory-lab",
        action="store_true",
        help="run tests marked memory_budget or memory_growth without measuring their memory",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for description in _DESCRIPTIONS:
        config.addinivalue_line("markers", description)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the argument that takes the size of ``memory_growth`` a parameter."""
    mark = metafunc.definition.get_closest_marker("memory_growth")
    if mark is not None:
        from lab.plugin.markers import parametrize

        parametrize(metafunc, mark)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Register the measuring plugin, if a test is marked and test bodies are run.

    Raises:
        pytest.UsageError: The plugin does not work with this version of pytest.
    """
    if any(config.getoption(name, False) for name in _PLAIN):
        return
    if any(
        config.pluginmanager.has_plugin(f"memory-lab-{name}") for name in ("child", "measuring")
    ):
        return
    if any(mark.name in MARKERS for item in items for mark in item.iter_markers()):
        from lab.plugin.protocol import MeasuringPlugin
        from lab.plugin.pytest_internals import require_internals

        require_internals(session)
        config.pluginmanager.register(MeasuringPlugin(config), "memory-lab-measuring")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Give a size to a method of a ``TestCase``, which cannot have a parameter."""
    mark = item.get_closest_marker("memory_growth")
    if mark is not None and isinstance(item, pytest.Function):
        from lab.plugin.markers import pass_smallest_size

        pass_smallest_size(item, mark)


@pytest.fixture(scope="session")
def memory_lab(pytestconfig: pytest.Config) -> "MemoryLab":
    """Measure functions, endpoints and servers: ``sweep``, ``measure``, ``server`` and others."""
    from lab.plugin.fixture import MemoryLab
    from lab.plugin.verdict_sections import VerdictSections

    sections = VerdictSections()
    pytestconfig.pluginmanager.register(sections)
    return MemoryLab(sections.add)
