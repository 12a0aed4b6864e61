"""The vertical axis of a plot names what the curve's witness measured."""

from xml.etree import ElementTree as ET

import pytest

from lab.curves.curve import Curve, Point, Witness
from lab.report.plot import curves_svg

LABELS = {"heap": "peak heap (bytes)", "rss": "peak RSS (bytes)", "seconds": "time (seconds)"}


def picture(witness: Witness) -> ET.Element:
    points = tuple(Point(n, 1_000 * n, 2_000 * n, n / 10) for n in (10, 20, 40))
    svg = curves_svg("A curve", [(Curve("export", "rows", points, witness), "streaming")])
    return ET.fromstring(svg)  # noqa: S314 - our own


@pytest.mark.parametrize("witness", LABELS)
def test_the_label_follows_the_witness(witness):
    texts = "".join(picture(witness).itertext())
    shown = {name for name, label in LABELS.items() if label in texts}
    assert shown == {witness}


@pytest.mark.parametrize(
    ("witness", "words"),
    [
        ("heap", "Peak heap against rows, both axes logarithmic: export from 10.0 kB to 40.0 kB."),
        ("rss", "Peak RSS against rows, both axes logarithmic: export from 20.0 kB to 80.0 kB."),
        ("seconds", "Time against rows, both axes logarithmic: export from 1.00 s to 4.00 s."),
    ],
)
def test_the_description_follows_the_witness(witness, words):
    description = picture(witness).find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    assert description.text == words
