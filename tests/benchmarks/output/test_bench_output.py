"""Result files, tables and plots show what they get, and nothing more."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.output.markdown import figure
from benchmarks.output.markup import to_html
from benchmarks.output.plot import bars
from benchmarks.output.result_files import as_json


def test_json_keeps_lists_of_numbers_on_one_line_and_loses_nothing() -> None:
    value = {"rounds": [1.5, -2e-05, 3], "words": ["[1,\n 2]", "x"], "empty": [], "rows": [{"a": [1]}, {"a": None}]}
    text = as_json(value)
    assert json.loads(text) == value
    assert '"rounds": [ 1.5, -2e-05, 3 ]' in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (1234.5, "1234"), (12.34, "12.3"), (1.234, "1.23"), (0.01234, "0.012"), (0, "0.000")],
)
def test_figures_have_three_digits(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_markup_escapes_what_it_shows() -> None:
    html = to_html("# a <b>\n\ntext & more\n\n| x | y |\n| --- | ---: |\n| <i> | 1 |\n")
    assert "<h2>a &lt;b&gt;</h2>" in html
    assert "<p>text &amp; more</p>" in html
    assert '<td class="left">&lt;i&gt;</td><td class="right">1</td>' in html


def test_the_plot_is_well_formed_whatever_the_names() -> None:
    drawing = bars("a < b & c", "ms", [("x<y", 1.0, 3.0, "one"), ("z", 40.0, 40.0, "two")])
    root = ElementTree.fromstring(drawing)
    widths = [float(rect.get("width", 0)) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert max(widths[3:]) == widths[-1]  # the slower one has the longer bar
