"""`lab doctor`: check the requirements of the lab on this machine."""

import typer


def doctor() -> None:
    """Check this machine; say how to fix what is missing."""
    from lab.doctor import examine
    from lab.report.terminal import console, print_findings

    findings = examine()
    print_findings(console(), findings)
    if not all(finding.good for finding in findings):
        raise typer.Exit(2)
