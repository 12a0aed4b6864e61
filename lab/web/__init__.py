"""The lesson's endpoints on a real server."""
