"""The table as one HTML page without external files."""

from collections.abc import Mapping

from lab.table.plot import series_svg
from lab.table.results import TableResult
from lab.units import show_bytes


def page(table: TableResult, pictures: Mapping[str, str]) -> str:
    """Return the HTML page: the table, and a section with pictures for each scenario.

    Args:
        table: The measured table.
        pictures: The SVG of each scenario, by the scenario's name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lab.table", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["bytes"] = lambda amount: "-" if amount is None else show_bytes(amount)
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    template = environment.get_template("page.html.j2")
    return template.render(table=table, pictures=pictures, series_svg=series_svg)
