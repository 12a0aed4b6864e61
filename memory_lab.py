"""The entry points of the distribution, which check that the package `lab` is memory-lab's.

The API is `import lab`. Another distribution also has a package of that name, and a project may
have such a folder. This module has a name of its own, so it can report which one Python imports.
"""

import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import ModuleType


def main() -> NoReturn:
    """Run the `lab` command."""
    problem = other_lab()
    if problem:
        print(f"lab: {problem}", file=sys.stderr)
        sys.exit(2)
    from lab.cli import main

    main()


def __getattr__(name: str) -> Any:
    if name != "pytest_plugin":
        raise AttributeError(f"module 'memory_lab' has no attribute {name!r}")
    return _pytest_plugin()


def _pytest_plugin() -> "ModuleType":
    """Return the pytest plugin.

    Raises:
        pytest.UsageError: The package `lab` is another one. The run ends here, since a marked test
            would otherwise pass without a measurement.
    """
    import pytest

    problem = other_lab()
    if problem:
        raise pytest.UsageError(f"{problem} To run without memory-lab: pytest -p no:memory-lab")
    from lab import pytest_plugin

    return pytest_plugin


def other_lab() -> str | None:
    """Return a sentence if the package `lab` is not memory-lab's, else None."""
    try:
        import lab
    except Exception as error:
        return f"the package `lab` cannot be imported ({type(error).__name__}: {error}); {_mend()}"
    if getattr(lab, "__distribution__", None) == "memory-lab":
        return None
    path = lab.__file__ or ", ".join(lab.__path__)
    return f"the package `lab` that Python finds is not memory-lab's ({path}); {_mend()}"


def other_distributions() -> str | None:
    """Return a sentence if another installed distribution has a package `lab`, else None."""
    from importlib.metadata import packages_distributions

    others = sorted({*packages_distributions().get("lab", [])} - {"memory-lab"})
    if not others:
        return None
    return (
        f"the distribution {' and '.join(others)} also has a package `lab`: "
        "install memory-lab into a separate environment."
    )


def _mend() -> str:
    return other_distributions() or (
        "rename the folder `lab` that Python finds first, "
        "or install the wheel of memory-lab again with --force-reinstall."
    )
