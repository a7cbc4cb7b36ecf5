"""Films of another region with classes of their own: one path from folders to an answer."""

import dataclasses
import json
from pathlib import Path

import pytest
from tiny_network import TINY

from convert.__main__ import main as convert
from convert.packaging.card_text import model_card_text
from edge_app.__main__ import main as edge
from edge_app.errors import BundleError, DataError
from edge_app.imaging.phantom import phantom_png
from edge_app.model.bundle import read_bundle
from edge_app.model.card import ModelCard
from edge_app.reading.decision import decide
from edge_app.reading.predictor import Predictor
from edge_app.workflow.reading_service import ReadingService
from train.__main__ import main as train
from train.data.sources import find_data
from train.evaluation.run import finding_of
from train.networks import ARCHITECTURES

DRAWN_AS = {"cloudy": "bacterial", "sound": "normal"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, neither called normal; drawn as chests, so that the pose checks let them pass."""
    root = tmp_path_factory.mktemp("wrists")
    for number, (name, drawn_as) in enumerate(DRAWN_AS.items()):
        (root / name).mkdir()
        for seed in range(32):
            (root / name / f"{name}{seed}.png").write_bytes(phantom_png(drawn_as, 100 * number + seed))
    return root


@pytest.fixture(scope="module")
def bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train fit --normal sound`, then `convert --ptq`."""
    out = tmp_path_factory.mktemp("out")
    ARCHITECTURES["small"] = TINY
    try:
        words = ["--data", str(folder), "--out", str(out / "run"), "--arch", "small", "--epochs", "2"]
        said = ["--ages", "0", "9", "--population", "drawn wrists", "--intended-use", "Sorting of drawn wrists."]
        assert train(["fit", *words, "--normal", "sound", *said]) == 0
        wide = ["--max-films-missed", "20", "--max-accuracy-loss", "1", "--max-flips", "1", "--max-auc-loss", "1"]
        wide += ["--min-auc", "0", "--min-recall", "0", "--min-specificity", "0"]  # of two epochs
        words = ["--model", str(out / "run" / "model.keras"), "--data", str(folder), "--out", str(out / "made")]
        assert convert(["--ptq", *words, *wide]) == 0
    finally:
        del ARCHITECTURES["small"]
    return out / "made" / "small-ptq.tflite"


def test_no_class_is_taken_for_normal_unless_its_name_says_so(folder: Path) -> None:
    with pytest.raises(DataError, match=r"cloudy, sound; no name says normal: name .* with --normal"):
        find_data(str(folder))
    assert find_data(str(folder), negative="Sound").labels == ("sound", "cloudy")
    with pytest.raises(DataError, match="it has cloudy, sound"):
        find_data(str(folder), negative="normal")


@pytest.mark.parametrize(
    ("labels", "negative", "finding"),
    [
        (("normal", "bacterial", "viral"), "normal", "pneumonia"),
        (("normal", "pneumonia"), "normal", "pneumonia"),
        (("normal", "fracture"), "normal", "fracture"),
        (("sound", "cloudy"), "sound", "cloudy"),
        (("normal", "arthritis", "fracture"), "normal", "not normal"),
        (("bacterial", "normal", "viral"), "bacterial", "not bacterial"),
    ],
)
def test_finding_is_named_after_what_is_not_negative(labels, negative: str, finding: str) -> None:
    assert finding_of(labels, negative) == finding


def test_card_and_page_speak_of_the_classes_and_not_of_pneumonia(bundle: Path) -> None:
    read = read_bundle(bundle)
    assert (read.card.negative, read.card.finding, read.card.labels) == ("sound", "cloudy", ("sound", "cloudy"))
    assert read.card.intended_use == "Sorting of drawn wrists."
    assert read.card.training["age_range_years"] == [0, 9]
    assert all(
        word in read.card_text for word in ("Sorting of drawn wrists.", "0 to 9 completed years", "drawn wrists")
    )
    assert "pneumonia" not in read.card_text
    assert "recall of cloudy" in read.card_text


def test_predict_answers_with_the_classes(bundle: Path, tmp_path: Path, capsys) -> None:
    film = tmp_path / "a.png"
    film.write_bytes(phantom_png("bacterial", 900))
    assert edge(["predict", str(film), "--model", str(bundle), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["decision"] in ("cloudy", "sound", "uncertain")
    assert answer["finding"] == "cloudy"
    assert answer["p_finding"] == pytest.approx(answer["probabilities"]["cloudy"])
    assert not any("pneumonia" in key for key in answer)
    assert edge(["predict", str(film), "--model", str(bundle)]) == 0
    assert "P(cloudy)" in capsys.readouterr().out


def test_evaluate_scores_such_a_bundle(bundle: Path, folder: Path, capsys) -> None:
    assert train(["evaluate", str(bundle), "--data", str(folder), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["class_recall"]) == {"sound", "cloudy"}


def test_kiosk_refuses_a_model_that_its_words_do_not_fit(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="between cloudy and sound"):
        ReadingService(Predictor(read_bundle(bundle)), tmp_path)


def test_shipped_card_is_about_pneumonia_and_answers_as_before(shipped) -> None:
    raw = json.loads(shipped.card.to_json())
    old = {name: value for name, value in raw.items() if name not in ("negative", "finding")}  # a card of 0.1
    card = ModelCard.from_json(json.dumps(old))
    assert card.is_about_pneumonia
    assert card.negative_index == card.labels.index("normal")
    verdicts = {decide(logits, card).decision for logits in ([9.0, 0, 0][: len(card.labels)], [0, 9.0, 9.0])}
    assert verdicts == {"normal", "pneumonia"}


@pytest.mark.parametrize("change", [{"negative": "nothing"}, {"finding": ""}, {"finding": "normal"}])
def test_card_with_a_wrong_negative_or_finding_is_refused(shipped, change: dict[str, str]) -> None:
    with pytest.raises(BundleError, match=r"the card's (negative|finding) is"):
        ModelCard.from_json(dataclasses.replace(shipped.card, **change).to_json())


def test_page_of_a_pneumonia_model_says_where_it_must_not_be_used(shipped) -> None:
    page = model_card_text(shipped.card)
    for words in (
        "Out of scope",
        "tuberculosis",
        "recall of viral",
        "Brier",
        "0.54 on another hospital",
        "calibration error",
    ):
        assert words in page
    phantom = model_card_text(dataclasses.replace(shipped.card, phantom=True))
    assert "another hospital's films" not in phantom
