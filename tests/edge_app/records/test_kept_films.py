"""Films are kept only if a site asks for it, are deleted with their record, and can be exported for training."""

import io
import stat
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image

from edge_app.__main__ import main
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_png
from edge_app.kiosk.views.document import Frame
from edge_app.kiosk.views.film import film
from edge_app.kiosk.views.report import report
from edge_app.reading.predictor import Predictor
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import add_reader
from edge_app.records.record import Signature
from edge_app.records.retention import retain
from edge_app.records.reviews import sign
from edge_app.workflow.reading_service import ReadingService
from train.data.sources import find_data

LATER = datetime.now(timezone.utc) + timedelta(days=40)


@pytest.fixture
def service(shipped, tmp_path) -> ReadingService:
    return ReadingService(Predictor(shipped), tmp_path / "home", films=KeptFilms(tmp_path / "films"))


def signed(service: ReadingService, label: str, seed: int, finding: str) -> str:
    case = service.read(phantom_png(label, seed))
    sign(service.store(), Signature(case.id, "AB", finding))
    return case.id


def test_no_film_is_written_unless_a_folder_is_named(shipped, tmp_path):
    service = ReadingService(Predictor(shipped), tmp_path / "home")
    service.read(phantom_png("viral", 1))
    assert {path.name.partition("-")[0] for path in (tmp_path / "home").iterdir()} == {
        "records.sqlite3",
        "audit.key",
        "audit.head",
    }


def test_kept_film_is_a_bare_picture_for_the_kiosk_alone(service, tmp_path):
    case = service.read(phantom_png("viral", 1))
    path = tmp_path / "films" / f"{case.id}.jpg"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path.parent, path)] == [0o700, 0o600]
    with Image.open(path) as image:
        assert (image.mode, dict(image.getexif())) == ("L", {})
    assert path.read_bytes() == case.pictures.film_jpeg


def test_kept_film_is_shown_after_a_restart_without_its_heatmap(service, shipped, tmp_path):
    case = service.read(phantom_png("bacterial", 2))
    assert "<polygon" in report(case, shipped.card, [], Frame("en"), hidden=False)
    again = ReadingService(service.predictor, tmp_path / "home", films=service.films).find(case.id)
    assert again.pictures.film_jpeg == case.pictures.film_jpeg
    shown = film(again, again.version, "en")
    assert 'class="film-viewer"' in shown
    assert 'data-contour="[]"' in shown
    assert "<polygon" not in report(again, shipped.card, [], Frame("en"), hidden=False)


def test_answer_is_given_and_marked_not_kept_when_the_folder_fails(service, tmp_path):
    add_reader(service.store(), "AB", "13579")
    (tmp_path / "films").rmdir()
    (tmp_path / "films").write_text("a file where the folder was")
    case = service.read(phantom_png("normal", 3))
    assert case.answer.decision
    assert case.saved, "the record itself is on the disk"
    assert "not kept" in service.not_saved
    assert service.find(case.id).answer.decision == case.answer.decision


def test_old_signed_records_go_with_their_films_and_drafts_stay(service):
    old, draft = signed(service, "viral", 4, "viral"), service.read(phantom_png("normal", 5)).id
    (service.films.folder / "notes.txt").write_text("not ours")
    assert retain(service.store(), 30, service.films) == (0, 0)
    assert retain(service.store(), 30, service.films, now=LATER, clock_is_right=True) == (1, 1)
    assert service.store().record(old) is None
    assert service.films.ids() == {draft}
    assert (service.films.folder / "notes.txt").exists()


def test_signed_films_become_folders_that_train_reads(service, tmp_path, capsys):
    for seed, label in enumerate(("normal", "normal", "bacterial", "viral")):
        signed(service, label, 10 + seed, label)
    signed(service, "viral", 20, "other")
    service.read(phantom_png("viral", 21))  # a draft is no label
    words = ["--films", str(tmp_path / "films"), "--out", str(tmp_path / "site"), "--data-dir", str(tmp_path / "home")]
    assert main(["reviews", "films", *words]) == 0
    assert "4 films copied; 1 signed records left out" in capsys.readouterr().out
    data = find_data(str(tmp_path / "site"))
    assert sorted(film.label for film in data.films) == ["bacterial", "normal", "normal", "viral"]
    assert all(film.read().pixels.ndim == 2 for film in data.films)


def test_purge_takes_the_films_of_old_records_along_and_no_others(service, tmp_path, capsys, monkeypatch):
    """A film whose record is missing stays: the record may have been set aside, or an older one restored."""
    with monkeypatch.context() as long_ago:
        long_ago.setattr("edge_app.records.audit.now", lambda: "2020-01-01T00:00:00Z")
        old = signed(service, "viral", 4, "viral")
    elsewhere = ReadingService(service.predictor, tmp_path / "other home", films=service.films)
    lost = elsewhere.read(phantom_png("normal", 5)).id
    young = signed(service, "viral", 6, "viral")
    words = ["--films", str(tmp_path / "films"), "--data-dir", str(tmp_path / "home"), "--clock-is-right"]
    assert main(["reviews", "purge", "--days", "1", *words]) == 0
    assert capsys.readouterr().out == "1 records and 1 films deleted\n"
    assert service.films.ids() == {lost, young}
    assert service.store().purged([old]) == {old}


def test_folder_that_cannot_be_made_is_reported_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    from edge_app.errors import StoreError

    with pytest.raises(StoreError, match="cannot be kept"):
        KeptFilms(tmp_path / "file" / "films")


def test_refused_film_is_shown_where_it_could_be_decoded_but_never_kept(service):
    turned = np.rot90(draw_phantom("viral", 1, PhantomStyle(448, 400)))
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(turned)).save(content, "PNG")
    case = service.read(content.getvalue())
    with Image.open(io.BytesIO(case.pictures.film_jpeg)) as shown:
        assert (case.answer.refusal.code, shown.width / shown.height) == ("sideways", 400 / 448)
    shown = film(case, case.version, "en")
    assert 'class="film-viewer"' in shown
    assert 'data-contour="[]"' in shown
    assert service.read(b"no film").pictures.film_jpeg == b""
    assert service.films.ids() == set()
