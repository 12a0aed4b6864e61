"""`lab data`: build, show or remove the data of the lessons."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lab.data.seed import Built
    from lab.report.terminal import Steps

data = typer.Typer(help="Build, show or remove the lessons' data.", no_args_is_help=True)


@data.command(epilog="Example: lab data build --rows 1000000")
def build(
    rows: Annotated[int, typer.Option(min=1, help="Number of posts.")] = 1_000_000,
    keys: Annotated[int | None, typer.Option(min=1, help="Distinct tags; new tables: 200.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all values; new tables: 1.")] = None,
) -> None:
    """Build the posts, or add to existing ones."""
    from lab.report.terminal import console, progress

    screen = console()
    with progress(screen) as steps:
        posts = build_posts(steps, rows, keys, seed)
    screen.print(f"{posts.rows:,} posts with {posts.keys} distinct tags, seed {posts.seed}.")


@data.command(epilog="Example: lab data status")
def status() -> None:
    """Show which data exists, and where."""
    from lab.data.status import describe_data
    from lab.report.terminal import console

    screen = console()
    for line in describe_data():
        screen.print(line, soft_wrap=True)


@data.command(epilog="Example: lab data drop")
def drop() -> None:
    """Remove the lab's database schema and files, and nothing else."""
    from lab.data.database import database
    from lab.data.files import drop_files
    from lab.data.seed import drop as drop_schema
    from lab.report.terminal import console

    with database() as engine:
        before = drop_schema(engine)
    removed = [f"{before.rows:,} posts"] if before else []
    if count := drop_files():
        removed.append(f"{count} files")
    console().print(f"Removed {' and '.join(removed)}." if removed else "Nothing to remove.")


def build_posts(
    steps: "Steps", rows: int = 1_000_000, keys: int | None = None, seed: int | None = None
) -> "Built":
    """Build the posts with a progress bar; return what the schema then holds."""
    from lab.data.database import database
    from lab.data.seed import build as build_rows

    steps.begin("Posts", rows)
    with database() as engine:
        return build_rows(engine, rows, keys, seed, progress=steps.reach)
