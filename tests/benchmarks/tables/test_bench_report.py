"""The page and the tables come only from results, and state no more than those do."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.output.result_files import as_json
from benchmarks.studies import rejection
from benchmarks.tables import fill as tables
from benchmarks.tables import report
from benchmarks.tables.results import COMMITTED, load_results, markdown_of, plot_of
from edge_app.errors import DataError
from edge_app.system.child_process import ROOT

DEVICE = {
    "board": None,
    "cpu": "<fast> & small",
    "cores": 2,
    "system": "Debian",
    "python": "3.11.2",
    "governor": None,
    "cpu_flags": [],
}
STATE = {"load_average_1min": 0.1, "temperature_c": None, "throttled": None}
COLD_ROW = {"name": "predict one film", "median_ms": 123.4, "p90_ms": 150.0, "cpu_median_ms": 99.0, "peak_mem_mb": 51.0}
GOAL = {"goal": "cold is quick", "bound": 1.5, "holds": False}
GOAL |= {"measured": {clock: {"value": 1.7, "low": 1.6, "high": 1.8} for clock in ("wall", "cpu")}}
COLDSTART = {
    "benchmark": "coldstart",
    "format_version": 1,
    "kit_version": "0.1.0",
    "command": "python -m benchmarks coldstart",
    "created": "2026-11-21T04:00:00+00:00",
    "quick": True,
    "device": DEVICE,
    "before": STATE,
    "after": STATE,
    "rows": [COLD_ROW, {"name": "import gradio", "cannot_run": "gradio is not installed"}],
    "goals": [GOAL],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "coldstart.json").write_text(as_json(COLDSTART))
    return tmp_path


class Balanced(HTMLParser):
    """Collects text, and fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert not [value for name, value in attrs if name in ("src", "href")], "the page fetches nothing"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_goals_missed_and_rows_that_could_not_run(folder: Path) -> None:
    assert main(["report", "--out", str(folder)]) == 0
    parser = Balanced()
    parser.feed((folder / "report.html").read_text())
    assert parser.open == []
    for words in ("cold is quick", "1.70 (1.60 to 1.80)", "NO", "gradio is not installed", "<fast> & small", "123"):
        assert words in parser.text
    assert report.QUICK in parser.text


def test_no_results_make_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--out", str(tmp_path)]) == 1
    assert "no results" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", '{"format_version": 99}'])
def test_a_result_of_another_format_is_refused(folder: Path, content: str) -> None:
    (folder / "coldstart.json").write_text(content)
    with pytest.raises(DataError, match=r"coldstart\.json"):
        load_results(folder)


def test_tables_are_filled_in_and_then_stay_as_they_are(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(
        "before\n<!-- table:coldstart -->\nstale\n<!-- /table -->\nbetween\n<!-- table:goals -->\n<!-- /table -->\n"
    )
    words = ["tables", str(page), "--results", str(folder)]
    assert main([*words, "--check"]) == 1
    assert "stale" in page.read_text()
    assert main(words) == 0
    text = page.read_text()
    assert "stale" not in text
    assert "| predict one film | 123 |" in text
    assert "| cold is quick |" in text
    assert text.startswith("before\n<!-- table:coldstart -->\n")
    assert main([*words, "--check"]) == 0


def test_an_unknown_table_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder / "page.md"
    page.write_text("<!-- table:nonsense -->\n<!-- /table -->\n")
    assert main(["tables", str(page), "--results", str(folder)]) == 1
    assert "no table 'nonsense'" in capsys.readouterr().err


def test_what_was_not_measured_says_so_in_its_table(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text("<!-- table:latency -->\n<!-- /table -->\n")
    assert main(["tables", str(page), "--results", str(folder)]) == 0
    assert "Not measured yet: `python -m benchmarks latency`." in page.read_text()


def test_tables_in_the_documentation_are_those_of_the_committed_results() -> None:
    marked = tables.marked_files(ROOT)
    if not marked or not load_results(COMMITTED):
        pytest.skip("no page holds a table yet, or no results are committed")
    results = load_results(COMMITTED)
    for file in marked:
        text = file.read_text(encoding="utf-8")
        assert tables.fill(text, results) == text, f"{file.name}: run `python -m benchmarks tables`"
    assert not [name for name, result in results.items() if result["quick"]], "quick looks are not for publishing"


def test_committed_pages_and_plots_are_those_of_the_committed_results() -> None:
    pages: dict[str, str | None] = {}
    for name, result in load_results(COMMITTED).items():
        pages |= {f"{name}.md": markdown_of(result), f"{name}.svg": plot_of(result)}
    pages["rejection.md"] = rejection.markdown(json.loads((COMMITTED / "rejection.json").read_text()))
    for name, text in pages.items():
        assert text is None or (COMMITTED / name).read_text(encoding="utf-8") == text, name
