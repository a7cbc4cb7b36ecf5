"""What is wrong with a data set is reported before a single batch is trained."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.__main__ import main as benchmarks
from edge_app.errors import DataError
from edge_app.imaging.phantom import phantom_png, write_phantom_set
from edge_app.model.preparation import Preparation
from train.__main__ import main
from train.data.loading import load_films
from train.data.locator_files import find_locator, preparation_of
from train.data.sources import find_data
from train.data.split import SplitRule, split_films

WHOLE_FILMS = Preparation(32)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Three classes of four films, two per patient."""
    write_phantom_set(tmp_path, films_per_class=4)
    return tmp_path


def _write(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        (folder / name).write_bytes(phantom_png("normal", 900 + seed))


def _listed_and_skipped_or_refused(
    folder: Path, caplog, *names: str, left: int, preparation: Preparation = WHOLE_FILMS
) -> None:
    """By default the film is named and left out; `strict` names it and stops."""
    loaded = load_films(find_data(str(folder)), preparation)
    assert len(loaded.films) == len(loaded.pixels) == len(loaded.fields) == len(loaded.hashes) == left
    assert not {film.name for film in loaded.films} & set(names)
    assert all(name in caplog.text for name in names[:1])
    caplog.clear()
    with pytest.raises(DataError, match=f"{len(names)} films of"):
        load_films(find_data(str(folder)), preparation, strict=True)
    assert all(name in caplog.text for name in names)


def test_unreadable_film_is_listed_and_skipped_or_refused(films: Path, caplog) -> None:
    (films / "train" / "NORMAL" / "IM-0000-0001.png").write_bytes(b"broken")
    _listed_and_skipped_or_refused(films, caplog, "IM-0000-0001.png", left=11)


def test_film_without_lungs_is_listed_and_skipped_or_refused(films: Path, caplog) -> None:
    """A model that sees lung fields cannot learn from it; one that sees whole films still does."""
    ramp = np.tile(np.linspace(0, 255, 256, dtype=np.uint8), (224, 1))
    Image.fromarray(ramp).save(films / "train" / "NORMAL" / "IM-0000-0001.png")
    assert len(load_films(find_data(str(films)), WHOLE_FILMS).films) == 12
    lung_fields = preparation_of(32, find_locator(None))
    _listed_and_skipped_or_refused(films, caplog, "IM-0000-0001.png", left=11, preparation=lung_fields)
    assert "No lungs were found" in caplog.text
    assert "(no_lungs)" in caplog.text


@pytest.mark.parametrize(
    "misplaced",
    ["NORMAL/person7_virus_1.png", "NORMAL/scan_bacteria.png", "PNEUMONIA/IM-0115-0001.png", "PNEUMONIA/scan7.png"],
)
def test_film_whose_name_and_folder_disagree_is_listed_and_skipped_or_refused(
    films: Path, caplog, misplaced: str
) -> None:
    folder, name = misplaced.split("/")
    _write(films / "train" / folder, name)
    _listed_and_skipped_or_refused(films, caplog, name, left=12)


def test_same_pixels_under_two_labels_are_listed_and_left_out_under_both(films: Path, caplog) -> None:
    train = films / "train"
    (train / "PNEUMONIA" / "person900_virus_1.png").write_bytes((train / "NORMAL" / "IM-0000-0000.png").read_bytes())
    _listed_and_skipped_or_refused(films, caplog, "person900_virus_1.png", "IM-0000-0000.png", left=11)


def test_strict_fit_stops_before_it_writes_anything(films: Path, tmp_path: Path, capsys) -> None:
    _write(films / "train" / "PNEUMONIA", "scan7.png")
    out = tmp_path / "run"
    assert main(["fit", "--data", str(films), "--out", str(out), "--arch", "tiny", "--strict"]) == 1
    assert not out.exists()
    assert "scan7.png" in capsys.readouterr().err


def test_empty_class_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "train" / "PNEUMONIA", "person1_bacteria_1.png", "person2_virus_1.png")
    (tmp_path / "train" / "NORMAL").mkdir()
    with pytest.raises(DataError, match="no film of class 'normal'"):
        find_data(str(tmp_path))


def test_class_that_is_empty_because_of_mislabelled_films_names_one(tmp_path: Path) -> None:
    _write(tmp_path / "train" / "NORMAL", "IM-0001-0001.png")
    _write(tmp_path / "train" / "PNEUMONIA", "person7_virus_1.png", "person8_virus_1.png", "scan7.png")
    with pytest.raises(DataError, match=r"'bacterial'.*PNEUMONIA/scan7\.png"):
        find_data(str(tmp_path))


def test_class_of_unreadable_films_alone_is_refused(films: Path) -> None:
    for path in (films / "train" / "PNEUMONIA").glob("*virus*"):
        path.write_bytes(b"broken")
    with pytest.raises(DataError, match="no usable film of class viral"):
        load_films(find_data(str(films)), WHOLE_FILMS)


def test_class_of_one_patient_cannot_be_split_and_the_counts_are_given(tmp_path: Path, capsys) -> None:
    write_phantom_set(tmp_path, films_per_class=6)
    for path in (tmp_path / "train" / "PNEUMONIA").glob("*virus*"):
        path.rename(path.with_name(f"person77_virus_{path.stem.split('_')[-1]}.png"))
    out = tmp_path / "run"
    assert main(["fit", "--data", str(tmp_path), "--out", str(out), "--arch", "tiny"]) == 1
    assert "viral has 1" in capsys.readouterr().err
    assert not out.exists()


def test_leaking_patient_in_a_manifest_is_refused_before_scoring(films: Path, tmp_path: Path, capsys) -> None:
    loaded = load_films(find_data(str(films)), WHOLE_FILMS)
    manifest = json.loads(split_films(loaded, "set", ("normal", "bacterial", "viral"), SplitRule()).to_json())
    twins = [film for film in manifest["films"] if film["patient"] == manifest["films"][0]["patient"]]
    twins[0]["part"], twins[1]["part"] = "train", "validation"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    words = ["probe", "--data", str(films), "--manifest", str(tmp_path / "manifest.json")]
    assert benchmarks(words) == 1
    assert "leak between the parts by patient" in capsys.readouterr().err


def test_file_that_is_not_a_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "films.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"expected .*a folder of films"):
        find_data(str(tmp_path / "films.zip"))


def _images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


LABELS = np.array([[0], [1], [1], [0]])


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"pictures": _images()}, "holds pictures, missing train_images, train_labels"),
        ({"train_images": _images()}, "missing train_labels"),
        ({"train_images": _images().astype(np.float32), "train_labels": LABELS}, "float32"),
        ({"train_images": _images().astype(np.int16), "train_labels": LABELS}, "int16"),
        ({"train_images": np.stack([_images()] * 4, axis=-1), "train_labels": LABELS}, r"\(4, 28, 28, 4\)"),
        ({"train_images": np.moveaxis(_images(), 0, -1), "train_labels": LABELS}, r"\(28, 28, 4\)"),
        ({"train_images": LABELS.astype(np.uint8), "train_labels": _images()}, r"\(4, 1\)"),
        ({"train_images": _images(), "train_labels": LABELS[:3]}, "each of the 4 films"),
        ({"train_images": _images(), "train_labels": LABELS.astype(np.float64)}, "float64"),
        ({"train_images": _images(), "train_labels": np.array([[0], [1], [2], [9]])}, r"\[0, 1, 2, 9\]"),
        ({"train_images": np.array([{"a": 1}] * 4), "train_labels": LABELS}, "cannot be read"),
        ({"train_images": _images(), "train_labels": np.zeros((4, 1), dtype=np.int64)}, "no film of class 'pneumonia'"),
    ],
)
def test_wrong_npz_is_refused_and_says_which_array(tmp_path: Path, arrays: dict, told: str) -> None:
    np.savez(tmp_path / "pneumoniamnist.npz", **arrays)
    with pytest.raises(DataError, match=told):
        find_data(str(tmp_path / "pneumoniamnist.npz"))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_npz_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, train_images=_images(), train_labels=LABELS)
    path = tmp_path / "cut.npz"
    path.write_bytes(content.getvalue()[: int(share * len(content.getvalue()))])
    with pytest.raises(DataError, match="cannot be read"):
        find_data(str(path))


def test_npz_with_a_damaged_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.npz"
    np.savez_compressed(path, train_images=_images(), train_labels=LABELS)
    with zipfile.ZipFile(path) as held:
        start = held.getinfo("train_images.npy").header_offset + 200
    content = bytearray(path.read_bytes())
    content[start : start + 64] = bytes(64)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read"):
        find_data(str(path))


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "__MACOSX", "@eaDir", ".git", "lost+found"])
def test_a_hidden_or_service_folder_is_no_class_and_its_files_are_no_films(tmp_path: Path, name: str) -> None:
    for label in ("healthy", "ill"):
        _write(tmp_path / label, *(f"{label}{number}.png" for number in range(6)))
        (tmp_path / label / "._healthy1.png").write_bytes(b"a resource fork")
    _write(tmp_path / name, "old-checkpoint.png")
    data = find_data(str(tmp_path))
    assert data.labels == ("healthy", "ill")
    assert len(data.films) == 12
