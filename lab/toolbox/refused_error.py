"""The error that refuses an upload, with the HTTP status to answer with."""


class RefusedError(Exception):
    """An upload is refused; its message is one sentence for the client, and no row is stored.

    Attributes:
        status: The HTTP status to answer with.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
