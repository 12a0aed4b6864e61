"""`lab serve`: run the lesson's endpoints on a uvicorn server."""

from typing import Annotated

import typer

from lab.commands.data import build_posts


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 selects a free port.")] = 8000,
    show_token: Annotated[
        bool, typer.Option("--token", help="Print a token that the server accepts, and exit.")
    ] = False,
) -> None:
    """Serve the lesson's endpoints on 127.0.0.1, in every variant."""
    from lab.endpoints.tokens import token
    from lab.report.terminal import console, progress

    if show_token:
        print(token())
        return
    from lab.data.database import database
    from lab.data.files import download_file
    from lab.data.seed import built
    from lab.load.options import FILE
    from lab.net.listen import listening
    from lab.net.uvicorn_process import run_uvicorn

    screen = console()
    download_file(FILE)
    with listening(port) as listener, database() as engine:
        with engine.connect() as connection:
            data = built(connection)
        if data is None:
            with progress(screen) as steps:
                build_posts(steps)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        screen.print(f"{url}/docs describes the endpoints; Ctrl-C stops the server. Try:")
        curl = f"curl -H 'Authorization: Bearer {token()}' '{url}/posts/export.csv?rows=5'"
        screen.print(curl, soft_wrap=True, highlight=False)
        run_uvicorn("lab.web.app:app", listener)
