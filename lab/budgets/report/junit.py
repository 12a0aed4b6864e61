"""Report checked budgets as JUnit XML, which CI systems show beside the tests."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from lab.budgets.check import CheckResult
from lab.budgets.judge import explain

SUITE = "memory-budgets"

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even as a reference."""


def junit_xml(checked: Sequence[CheckResult]) -> str:
    """Return budgets as the test cases of one suite.

    A broken or inconclusive budget is a failure, one that could not be measured is an error; the
    explanation is the text of both. A budget that has only a cap, on a platform without caps, is
    skipped.
    """
    cases = [_case(result) for result in checked]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
        "time": f"{sum(result.seconds for result in checked):.3f}",
    }
    attributes = {name: str(value) for name, value in counts.items()}
    suites = ET.Element("testsuites", attributes)
    suite = ET.SubElement(suites, "testsuite", {"name": SUITE, **attributes})
    suite.extend(cases)
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _case(result: CheckResult) -> ET.Element:
    budget, standing = result.budget, result.judged.standing
    case = ET.Element(
        "testcase",
        {
            "classname": SUITE,
            "name": _text(budget.name),
            "file": _text(budget.file),
            "line": str(budget.line),
            "time": f"{result.seconds:.3f}",
        },
    )
    if standing != "kept":
        attributes = {"message": _text(result.judged.reason), "type": standing}
        failure = ET.SubElement(case, "error" if standing == "error" else "failure", attributes)
        failure.text = _text(explain(result.judged))
    elif result.untried and not budget.swept:
        ET.SubElement(case, "skipped", {"message": _text(result.untried)})
    return case


def _text(text: str) -> str:
    return _FORBIDDEN.sub("", text)
