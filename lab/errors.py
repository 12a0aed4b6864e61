"""What the lab says when a question cannot be asked."""


class LabError(Exception):
    """One sentence that names the thing and the mend; the command prints it and exits with 2.

    ``details`` is shown below the sentence: the shortened traceback of a child, for example.
    """

    exit_code = 2

    def __init__(self, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.details = details


def nearest(word: str, known: list[str]) -> str:
    """Offer the names closest to a mistyped one, or all of them when none is close."""
    import difflib

    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    close = close or [name for name in known if word in name][:3]
    return f"did you mean {' or '.join(close)}?" if close else f"there is {', '.join(known)}"
