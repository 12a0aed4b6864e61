"""Which line is named for memory that a library allocated on its behalf."""

from pathlib import Path

from lab.curves.allocation_sites import Site, gained, growing, sites

HERE = Path("/project")
MINE = ("stream", "/project/app/exports.py", 31)
LIBRARY = ("fetchmany", "/project/.venv/lib/python3/site-packages/sqlalchemy/cursor.py", 9)
STANDARD = ("loads", __import__("json").__file__, 5)
ELSEWHERE = ("helper", "/shared/helper.py", 7)


def test_the_innermost_line_of_the_project_is_named():
    outer = ("route", "/project/app/main.py", 3)
    found = sites([(10, [LIBRARY, STANDARD, MINE, outer]), (5, [MINE])], HERE)
    assert found == (Site("app/exports.py", 31, "stream", 15),)
    assert str(found[0]) == "app/exports.py:31 in stream"


def test_without_a_line_of_the_project_the_innermost_outside_of_libraries_is_named():
    assert sites([(1, [LIBRARY, ELSEWHERE, STANDARD])], HERE)[0].file == "/shared/helper.py"
    assert sites([(1, [STANDARD, LIBRARY])], HERE)[0].function == "loads"
    assert sites([(1, [])], HERE) == ()


def test_a_comprehension_is_a_line_of_the_function_around_it():
    """Up to Python 3.11 it has a frame of its own, as it has here; later ones have the last."""
    inner, outer = ("<listcomp>", MINE[1], 32), ("<dictcomp>", MINE[1], 31)
    found = sites([(8, [LIBRARY, inner, outer, MINE]), (4, [outer, MINE]), (2, [MINE])], HERE)
    assert found == (
        Site("app/exports.py", 32, "stream", 8),
        Site("app/exports.py", 31, "stream", 6),
    )
    assert sites([(1, [("<genexpr>", MINE[1], 31), MINE])], HERE)[0].function == "<genexpr>"


def test_the_largest_sites_come_first():
    found = sites([(1, [MINE]), (2, [ELSEWHERE])], HERE)
    assert [site.bytes for site in found] == [2, 1]


def test_growing_sites_are_told_from_constant_ones():
    small = (Site("a.py", 1, "f", 100), Site("a.py", 2, "f", 10))
    large = (Site("a.py", 1, "f", 100), Site("a.py", 2, "f", 80), Site("a.py", 3, "f", 5))
    assert growing(small, large) == (Site("a.py", 2, "f", 70), Site("a.py", 3, "f", 5))


def test_lines_that_only_moved_have_gained_nothing():
    before = (Site("a.py", 1, "f", 100, "a = b"), Site("a.py", 2, "g", 10, "c = d"))
    now = (Site("a.py", 11, "f", 100, "a = b"), Site("a.py", 12, "g", 70, "c = d"))
    added = Site("a.py", 13, "g", 30, "kept.append(c)")
    assert gained(before, (*now, added)) == (Site("a.py", 12, "g", 60, "c = d"), added)


def test_a_site_shows_its_line_of_code():
    here = Path(__file__)
    found = sites([(1, [("f", str(here), 1)])], here.parent)
    assert str(found[0]) == f"{here.name}:1 in f: {here.read_text().splitlines()[0][:80]}"
