"""Checked budgets as JUnit XML, which CI systems show beside the tests."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from lab.budgets.check import Checked
from lab.budgets.judge import explain

SUITE = "memory-budgets"

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as a reference."""


def junit_xml(checked: Sequence[Checked]) -> str:
    """Return budgets as the test cases of one suite.

    A broken or inconclusive budget is a failure and one that could not be measured an error, each
    with all there is to say as its text; one of which nothing could be tried here is skipped.
    """
    cases = [_case(one) for one in checked]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
        "time": f"{sum(one.seconds for one in checked):.3f}",
    }
    attributes = {name: str(value) for name, value in counts.items()}
    suites = ET.Element("testsuites", attributes)
    suite = ET.SubElement(suites, "testsuite", {"name": SUITE, **attributes})
    suite.extend(cases)
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _case(one: Checked) -> ET.Element:
    budget, standing = one.budget, one.judged.standing
    case = ET.Element(
        "testcase",
        {
            "classname": SUITE,
            "name": _text(budget.name),
            "file": _text(budget.file),
            "line": str(budget.line),
            "time": f"{one.seconds:.3f}",
        },
    )
    if standing != "kept":
        about = {"message": _text(one.judged.reason), "type": standing}
        found = ET.SubElement(case, "error" if standing == "error" else "failure", about)
        found.text = _text(explain(one.judged))
    elif one.untried and not budget.swept:
        ET.SubElement(case, "skipped", {"message": _text(one.untried)})
    return case


def _text(text: str) -> str:
    return _FORBIDDEN.sub("", text)
