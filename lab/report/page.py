"""The table as one HTML page that needs nothing from anywhere else."""

from lab.report.table import scenario_svg, series_svg
from lab.table import Table
from lab.units import show_bytes


def page(table: Table) -> str:
    """Return the page: the table, a section for each scenario, and its two pictures."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lab.report", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["bytes"] = show_bytes
    template = environment.get_template("page.html.j2")
    return template.render(table=table, scenario_svg=scenario_svg, series_svg=series_svg)
