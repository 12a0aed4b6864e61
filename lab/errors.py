"""The error for wrong input or a missing requirement, with a suggestion for mistyped names."""


class LabError(Exception):
    """One sentence that names the problem and the fix; the command prints it and exits with 2.

    Attributes:
        details: Lines to print below the sentence, such as the shortened traceback of a child
            process.
    """

    exit_code = 2

    def __init__(self, sentence: str, details: str = "") -> None:
        super().__init__(sentence)
        self.details = details


def nearest(word: str, known: list[str]) -> str:
    """Suggest up to three known names similar to a mistyped one, or list all known names."""
    import difflib

    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    close = close or [name for name in known if word in name][:3]
    return f"did you mean {' or '.join(close)}?" if close else f"choose from {', '.join(known)}"
