"""Users for a server that is up, steered by Locust itself.

    lab serve --port 8000
    locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000

`lab load` runs the same users under a cap, holds them to requirements, and draws what came of it.
"""

from lab.load.users import Counter, Downloader, Exporter, Uploader

__all__ = ["Counter", "Downloader", "Exporter", "Uploader"]
