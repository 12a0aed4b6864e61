"""The entry points of the distribution: they look whose package `lab` is before they use it.

The API is `import lab`. Another distribution has a package of that name too, and a project may have
a folder of that name; this module is found all the same, and says which one Python finds.
"""

import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import ModuleType


def main() -> NoReturn:
    """Run the `lab` command."""
    stranger = other_lab()
    if stranger:
        print(f"lab: {stranger}", file=sys.stderr)
        sys.exit(2)
    from lab.cli import main

    main()


def __getattr__(name: str) -> Any:
    if name != "pytest_plugin":
        raise AttributeError(f"module 'memory_lab' has no attribute {name!r}")
    return _pytest_plugin()


def _pytest_plugin() -> "ModuleType":
    """Return the plugin, or end the run of pytest before a marked test passes unmeasured."""
    import pytest

    stranger = other_lab()
    if stranger:
        raise pytest.UsageError(f"{stranger} Without memory-lab: pytest -p no:memory-lab")
    from lab import pytest_plugin

    return pytest_plugin


def other_lab() -> str | None:
    """Say in one sentence that the package `lab` is another one's; None if it is memory-lab's."""
    try:
        import lab
    except Exception as error:
        return f"the package `lab` cannot be imported ({type(error).__name__}: {error}); {_mend()}"
    if getattr(lab, "__distribution__", None) == "memory-lab":
        return None
    place = lab.__file__ or ", ".join(lab.__path__)
    return f"the package `lab` that Python finds is not memory-lab's ({place}); {_mend()}"


def other_distributions() -> str | None:
    """Say that another installed distribution has a package `lab` too; None if none has."""
    from importlib.metadata import packages_distributions

    others = sorted({*packages_distributions().get("lab", [])} - {"memory-lab"})
    if not others:
        return None
    return (
        f"the distribution {' and '.join(others)} has a package of that name too: "
        "install memory-lab into an environment of its own."
    )


def _mend() -> str:
    return other_distributions() or (
        "rename a folder of that name that Python finds first, "
        "or install the wheel of memory-lab again, with --force-reinstall."
    )
