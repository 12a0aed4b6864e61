"""What a student gets wrong in a real kernel: a sentence says what to do, and the kernel lives."""

import os

import pytest
from jupyter_client.manager import start_new_kernel

FIRST = (
    'from lab.course import notebook\npredict, measure, trap, exercise, quiz, live = notebook("00")'
)
RIGHT = """
from itertools import islice

def batch_sums(numbers):
    numbers = iter(numbers)
    while batch := list(islice(numbers, 1_000)):
        yield sum(batch)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all the tests of this file: none of them may end it."""
    settings = tmp_path_factory.mktemp("settings")
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    manager, client = start_new_kernel(env=os.environ | dict.fromkeys(names, str(settings)))
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def said(kernel, tmp_path):
    """Run cells in a kernel that has forgotten all others; what the last one shows, as text."""

    def run(*cells: str) -> str:
        progress = f"import os; os.environ['MEMORY_LAB_COURSE'] = {str(tmp_path / 'progress')!r}"
        shown: list[str] = []
        for cell in (
            "%reset -f",
            "%reset -f in",
            f"{progress}; os.environ.pop('DATABASE_URL', 0)",
            FIRST,
            *cells,
        ):
            shown.clear()
            kernel.execute_interactive(
                cell,
                timeout=120,
                stop_on_error=False,
                output_hook=lambda message: shown.append(text_of(message["content"])),
            )
        assert kernel.is_alive()
        return "\n".join(filter(None, shown))

    return run


def text_of(content):
    return content.get("data", content).get("text/plain", content.get("text", ""))


def test_a_check_before_anything_is_defined_says_what_to_run(said):
    assert said("exercise.check()").startswith("Not attempted: define `batch_sums`")


def test_the_cell_that_was_run_last_is_checked(said):
    """Whatever the kernel still holds of an earlier one."""
    wrong = RIGHT.replace("sum(batch)", "0")
    assert "Wrong answer" in said(RIGHT, wrong, "exercise.check()")
    assert said(wrong, RIGHT, "exercise.check()").startswith("✓ Passed: the same answer")


def test_a_syntax_error_is_named_by_its_line(said):
    """The function of an earlier cell is still defined, and is not what was written last."""
    broken = RIGHT.replace("yield sum(batch)", "yield sum(batch")
    assert "Error in your code: syntax error on line 7 of your cell" in said(
        RIGHT, broken, "exercise.check()"
    )


def test_an_error_is_named_by_its_line_which_is_shown(said):
    raises = RIGHT.replace("sum(batch)", "sum(batch) / 0")
    shown = said(raises, "exercise.check()")
    assert "Error in your code: line 7 of your cell: ZeroDivisionError" in shown
    assert "yield sum(batch) / 0" in shown


def test_a_name_from_another_cell_is_not_there(said):
    """The cell is run by itself, so that what a kernel remembers cannot help it."""
    helper = "def total(batch):\n    return sum(batch)"
    shown = said(helper, RIGHT.replace("sum(batch)", "total(batch)"), "exercise.check()")
    assert "NameError: name 'total' is not defined" in shown


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


def full(*values):
    return pytest.param(*values, marks=pytest.mark.full)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("import os; os._exit(3)", "ended with exit code 3"),
        full("import os; os.abort()", "was killed by SIGABRT"),
        full("raise SystemExit(4)", "SystemExit: 4"),
        slow("raise KeyboardInterrupt", "KeyboardInterrupt"),
        slow("while True: pass", "look for a loop that never ends"),
        slow("return None", "it returned a NoneType; return rows instead"),
        ("return [bytes(10**9) for _ in range(10**9)]", "Out of memory"),
    ],
)
def test_what_would_end_a_kernel_ends_a_child(said, body, sentence):
    """The kernel goes on, and still knows what it knew."""
    shown = said(
        "kept = 'still here'",
        f"def batch_sums(numbers):\n    {body}",
        "graded = exercise.check()",
        "print(kept)\ngraded",
    )
    assert sentence in shown, shown


def test_measuring_wants_a_prediction_and_the_quiz_a_measurement(said):
    assert said("measure()").startswith("Predict first")
    assert said("quiz()").startswith("Measure first")


def test_a_lab_that_is_newer_than_the_kernel_asks_for_a_restart(said):
    older = "from lab.course.cells import exercise as calls; calls._LOADED = 0.0"
    assert "choose Kernel > Restart Kernel" in said(older, RIGHT, "exercise.check()")
    current = (
        "from lab.course.cells import exercise as calls; calls._LOADED = calls._last_changed()"
    )
    assert "Not attempted" in said(current, "exercise.check()")


def test_no_database_is_a_sentence(said):
    nowhere = "import os; os.environ['DATABASE_URL'] = 'postgresql://nobody@127.0.0.1:9/none'"
    other = 'predict, measure, trap, exercise, quiz, live = notebook("03")'
    attempt = "def export(db):\n    yield ''"
    shown = said(nowhere, other, attempt, "exercise.check()")
    assert "cannot be reached" in shown
    assert "unset DATABASE_URL" in shown


def test_hints_go_on_from_one_to_the_next(said):
    assert "Hint 2 of" in said("exercise.hint()", "exercise.hint()")
    assert "def batch_sums" in said("exercise.solution()")
