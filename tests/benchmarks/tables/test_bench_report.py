"""The page and the tables come from results alone, and say no more than those do."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.device.harness.child import ROOT
from benchmarks.device.harness.engines import multiply_accumulates
from benchmarks.device.harness.matmul import MACS, write_matmul
from benchmarks.device.roofline import MATMUL, add_rates
from benchmarks.output.markdown import figure
from benchmarks.output.markup import to_html
from benchmarks.output.result_files import as_json
from benchmarks.studies import rejection
from benchmarks.tables import fill as tables
from benchmarks.tables import report
from benchmarks.tables.results import COMMITTED, load_results, markdown_of, plot_of
from edge_app.errors import DataError

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


def test_a_table_nobody_knows_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_multiply_accumulates_are_counted_by_hand() -> None:
    shapes = {1: (16, 3, 3, 1), 2: (1, 64, 64, 16), 3: (1, 3, 3, 16), 4: (1, 32, 32, 16), 5: (3, 16), 6: (1, 3)}
    ops = [
        {"op_name": "CONV_2D", "inputs": [0, 1], "outputs": [2]},
        {"op_name": "DEPTHWISE_CONV_2D", "inputs": [2, 3], "outputs": [4]},
        {"op_name": "MEAN", "inputs": [4, 7], "outputs": [8]},
        {"op_name": "FULLY_CONNECTED", "inputs": [8, 5], "outputs": [6]},
    ]
    assert multiply_accumulates(ops, shapes) == 64 * 64 * 16 * 9 + 32 * 32 * 16 * 9 + 48


def test_the_share_of_the_product_is_a_ratio_of_rates() -> None:
    def row(name: str, macs: int, ms: float) -> dict:
        rounds = {"cpu_median_ms": [ms] * 4}
        return {
            "name": name,
            "engine": "e",
            "macs": macs,
            "cpu_median_ms": ms,
            "quantization": "int8",
            "rounds": rounds,
        }

    net, product = row("net", 50_000_000, 0.5), row(MATMUL, 100_000_000, 0.4)
    add_rates([net, product, {"name": "x", "cannot_run": "why"}])
    assert (net["gops"], product["gops"]) == (200, 500)
    assert net["share_of_matmul"]["value"] == 0.4
    assert "share_of_matmul" not in product


def test_the_matrix_product_is_right(tmp_path: Path) -> None:
    import subprocess
    import sys

    from benchmarks.device.harness.child import child_environment

    pytest.importorskip("flatbuffers")
    write_matmul(tmp_path / "matmul.tflite")
    code = (
        "import sys, numpy as np; from pathlib import Path; from edge_app.model.runtime import load_runtime;"
        "i = load_runtime('ai-edge-litert').module.Interpreter(model_content=Path(sys.argv[1]).read_bytes());"
        "i.allocate_tensors(); g, w, b, o = (i.get_tensor_details()[k] for k in range(4));"
        "x = np.random.default_rng(1).integers(-128, 128, g['shape']).astype(np.int8);"
        "weights, bias = i.get_tensor(w['index']).astype(np.int64), i.get_tensor(b['index']);"
        "i.set_tensor(g['index'], x); i.invoke(); got = i.get_tensor(o['index']).astype(int);"
        "want = np.clip(np.round((x.astype(np.int64) @ weights.T + bias) * 0.05 * 0.01 / 0.5), -128, 127);"
        "print(np.abs(got - want).max(), want.std())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "matmul.tflite")],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    off, spread = map(float, done.stdout.split())
    assert off <= 1  # one step of rounding
    assert spread > 20  # and the product is no constant
    assert MACS == 256 * 512 * 512
