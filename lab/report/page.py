"""The table as one HTML page that needs nothing from anywhere else."""

from collections.abc import Mapping

from lab.report.table import series_svg
from lab.table import Table
from lab.units import show_bytes


def page(table: Table, pictures: Mapping[str, str]) -> str:
    """Return the page: the table, a section for each scenario, and its two pictures.

    Args:
        table: What was measured.
        pictures: SVGs by the names of their scenarios.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lab.report", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["bytes"] = lambda amount: "-" if amount is None else show_bytes(amount)
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    template = environment.get_template("page.html.j2")
    return template.render(table=table, pictures=pictures, series_svg=series_svg)
