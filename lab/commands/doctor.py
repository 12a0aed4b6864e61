"""`lab doctor`: check the requirements of the lab on this machine."""

from lab.commands.shared_options import end


def doctor() -> None:
    """Check this machine; say how to fix what is missing."""
    from lab.doctor import examine
    from lab.report.terminal import console, print_findings

    findings = examine()
    print_findings(console(), findings)
    end(0 if all(finding.good for finding in findings) else 2)
