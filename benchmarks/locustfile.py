"""Locust users for a running server, controlled by Locust itself.

    lab serve --port 8000
    locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000

`lab load` runs the same users against a server under a cap, checks requirements and draws plots.
"""

from lab.load.locust_users import AggregateUser, DownloadUser, ExportUser, UploadUser

__all__ = ["AggregateUser", "DownloadUser", "ExportUser", "UploadUser"]
