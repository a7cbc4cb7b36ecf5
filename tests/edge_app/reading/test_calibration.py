"""A site's own threshold: counts by hand, intervals from the literature, and where it is used."""

import json
from dataclasses import replace

import pytest
from tests_support import A_MODEL, a_decision

from edge_app.__main__ import main
from edge_app.errors import DataError
from edge_app.model.card import ModelCard, OperatingPoint
from edge_app.model.estimate import Estimate
from edge_app.reading.site_threshold import Case, choose_threshold, line_at, read_cases, with_site_threshold
from edge_app.records.database import open_store
from edge_app.records.export import to_csv
from edge_app.records.record import Draft, Signature, new_record_id
from edge_app.records.reviews import sign
from edge_app.system.home import SITE_THRESHOLD_FILE

# Five children with pneumonia, five without; by hand.
SICK = (0.9, 0.8, 0.7, 0.6, 0.2)
WELL = (0.1, 0.2, 0.3, 0.4, 0.65)
CASES = [Case(p, True) for p in SICK] + [Case(p, False) for p in WELL]


def a_card() -> ModelCard:
    whole = Estimate(0.9, 0.8, 0.95)
    return ModelCard(
        name="m",
        version="1",
        input_size_px=128,
        preprocessing_id="x",
        preprocessing_version=1,
        labels=("normal", "bacterial", "viral"),
        temperature=1.0,
        operating_points={"balanced": OperatingPoint(0.4, whole, whole)},
        default_operating_point="balanced",
        uncertainty_band=(0.35, 0.5),
        phantom=True,
        quantization="int8",
        intended_use="",
        not_checked=(),
        data_licence="",
        data_attribution="",
        created="",
        git_commit="",
        minimum_runtime="",
    )


def test_counts_at_a_threshold_are_those_by_hand():
    line = line_at(CASES, 0.6)
    assert (line.tp, line.fp, line.fn, line.tn) == (4, 1, 1, 4)
    assert (line.sensitivity.value, line.specificity.value) == (0.8, 0.8)
    assert (line.ppv.value, line.npv.value) == (0.8, 0.8)


def test_proportion_of_nothing_is_not_a_number():
    line = line_at(CASES, 0.95)
    assert line.ppv is None
    assert line.npv.value == 0.5


def test_chosen_threshold_keeps_the_sensitivity_and_is_the_highest_that_does():
    assert choose_threshold(CASES, 0.8).threshold == 0.6
    assert choose_threshold(CASES, 1.0).threshold == 0.2


def signed_export(tmp_path, model="ab", findings=("viral", "normal")):
    store = open_store(tmp_path / "record")
    for p, finding in [(p, findings[0]) for p in SICK] + [(p, findings[1]) for p in WELL]:
        draft = Draft(new_record_id(), "f", a_decision(p), replace(A_MODEL, sha256=model), "r")
        store.add_draft(draft)
        sign(store, Signature(draft.id, "AB", finding))
    path = tmp_path / "export.csv"
    path.write_text(to_csv(store.records()))
    store.close()
    return path


def test_export_becomes_the_sites_threshold_and_few_cases_are_warned_of(tmp_path, capsys):
    path = signed_export(tmp_path)
    home = tmp_path / "home"
    assert main(["calibrate", str(path), "--sensitivity", "0.8", "--use", "--json", "--data-dir", str(home)]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["chosen"]["threshold"] == 0.6
    assert "too few" in printed.err
    assert with_site_threshold(a_card(), "ab", home).operating_point()[1].threshold == 0.6


def test_threshold_of_another_model_is_not_used(tmp_path):
    path = signed_export(tmp_path)
    assert main(["calibrate", str(path), "--use", "--data-dir", str(tmp_path)]) == 0
    assert with_site_threshold(a_card(), "another", tmp_path).default_operating_point == "balanced"


def test_predict_decides_at_the_sites_threshold_and_says_so(tmp_path, capsys, shipped, phantom_file):
    path = signed_export(tmp_path, shipped.sha256)
    assert main(["calibrate", str(path), "--sensitivity", "0.8", "--use", "--data-dir", str(tmp_path)]) == 0
    capsys.readouterr()
    words = ["predict", str(phantom_file), "--data-dir", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["operating_point"], answer["threshold"]) == ("site", 0.6)
    assert main(words) == 0
    assert "Operating point site: threshold 0.600, sensitivity 80.0%" in capsys.readouterr().out
    assert main([*words, "--json", "--operating-point", shipped.card.default_operating_point]) == 0
    _, point = shipped.card.operating_point()
    assert json.loads(capsys.readouterr().out)["threshold"] == point.threshold


@pytest.mark.parametrize("content", ['{"threshold": ', '{"model_sha256": "ab", "threshold": 7}'])
def test_damaged_site_threshold_is_refused(tmp_path, content):
    (tmp_path / SITE_THRESHOLD_FILE).write_text(content)
    with pytest.raises(DataError, match="run calibrate again"):
        with_site_threshold(a_card(), "ab", tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a,b\n1,2\n",
        "status,finding,p_pneumonia,model_sha256\nsigned\nsigned,normal\n",
        "p_pneumonia,finding,status,model_sha256\n1.5,viral,signed,a\n0.1,normal,signed,a\n",
    ],
)
def test_unusable_csv_is_refused_in_one_line(tmp_path, capsys, content):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert main(["calibrate", str(path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


ROWS = [f"{i / 1000:.3f},{'pneumonia' if i > 40 else 'normal'},signed,{'a' * 64}" for i in range(100)]
PLAIN = "\r\n".join(["p_pneumonia,finding,status,model_sha256", *ROWS])


def of_spreadsheet(separator: str) -> str:
    """The export as a spreadsheet saves it where the comma is the decimal sign."""
    return PLAIN.replace(",", separator).replace(".", ",")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        of_spreadsheet(";").encode("utf-8-sig"),
        of_spreadsheet("\t").encode("utf-16"),
        ("sep=;\r\n" + of_spreadsheet(";")).encode(),
        of_spreadsheet(";").replace("signed", "signed").encode("cp1252") + b"\r\n;;;\r\n",
    ],
)
def test_an_export_that_a_spreadsheet_saved_again_gives_the_same_cases(tmp_path, content):
    (tmp_path / "plain.csv").write_text(PLAIN)
    (tmp_path / "again.csv").write_bytes(content)
    assert read_cases(tmp_path / "again.csv") == read_cases(tmp_path / "plain.csv")


def test_cases_of_one_kind_make_no_threshold(tmp_path, capsys):
    path = signed_export(tmp_path, findings=("viral", "viral"))
    assert main(["calibrate", str(path)]) == 1
    assert "both normal and pneumonia" in capsys.readouterr().err


def test_reviews_commands_list_export_back_up_and_audit(tmp_path, capsys, monkeypatch):
    signed_export(tmp_path)
    at = ["--data-dir", str(tmp_path / "record")]
    assert main(["reviews", "list", "--status", "signed", *at]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 10
    assert main(["reviews", "export", "--format", "json", *at]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 10
    assert main(["reviews", "export", "--out", str(tmp_path / "again.csv"), *at]) == 0
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "export.csv").read_text()
    assert main(["reviews", "backup", str(tmp_path / "copy.sqlite3"), *at]) == 0
    assert main(["reviews", "audit", *at]) == 0
    assert "review" in capsys.readouterr().out
    assert main(["reviews", "purge", "--days", "30", *at]) == 0
    assert capsys.readouterr().out == "0 records deleted\n"
