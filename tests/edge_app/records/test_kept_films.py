"""Films are kept only where a site says so, go when their record goes, and come back as training folders."""

import io
import stat
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image

from edge_app.__main__ import main
from edge_app.imaging.phantom import PhantomStyle, draw_phantom, phantom_png
from edge_app.kiosk import views
from edge_app.kiosk.static_pages import report_page
from edge_app.reading.predictor import Predictor
from edge_app.records.database import Review
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import add_reader
from edge_app.records.retention import retain
from edge_app.workflow.reading_service import Desk
from train.data.sources import find_data

LATER = datetime.now(timezone.utc) + timedelta(days=40)


@pytest.fixture
def desk(shipped, tmp_path) -> Desk:
    return Desk(Predictor(shipped), tmp_path / "home", films=KeptFilms(tmp_path / "films"))


def signed(desk: Desk, label: str, seed: int, finding: str) -> str:
    slip = desk.read(phantom_png(label, seed))
    desk.store().add_review(Review(slip.id, "AB", "agree", finding))
    return slip.id


def test_no_film_is_written_unless_a_folder_is_named(shipped, tmp_path):
    desk = Desk(Predictor(shipped), tmp_path / "home")
    desk.read(phantom_png("viral", 1))
    assert {path.name.partition("-")[0] for path in (tmp_path / "home").iterdir()} == {"records.sqlite3"}


def test_kept_film_is_a_bare_picture_for_the_kiosk_alone(desk, tmp_path):
    slip = desk.read(phantom_png("viral", 1))
    path = tmp_path / "films" / f"{slip.id}.jpg"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path.parent, path)] == [0o700, 0o600]
    with Image.open(path) as image:
        assert (image.mode, dict(image.getexif())) == ("L", {})
    assert path.read_bytes() == slip.film_jpeg


def test_kept_film_is_shown_after_a_restart_without_its_heatmap(desk, shipped, tmp_path):
    slip = desk.read(phantom_png("bacterial", 2))
    again = Desk(desk.predictor, tmp_path / "home", films=desk.films).look(slip.id)
    assert again.film_jpeg == slip.film_jpeg
    shown = views.viewer(again, "en")
    assert 'class="film"' in shown
    assert 'class="heat"' not in shown
    assert "data:image/png" not in report_page(again, shipped.card, desk.predictor.identity(), "en")


def test_answer_is_given_and_said_not_kept_when_the_folder_fails(desk, tmp_path):
    add_reader(desk.store(), "AB", "13579")
    (tmp_path / "films").rmdir()
    (tmp_path / "films").write_text("a file where the folder was")
    slip = desk.read(phantom_png("normal", 3))
    assert slip.answer
    assert slip.saved, "the record itself is on the disk"
    assert "not kept" in desk.not_saved
    assert desk.look(slip.id).answer == slip.answer


def test_old_signed_records_go_with_their_films_and_drafts_stay(desk):
    old, draft = signed(desk, "viral", 4, "viral"), desk.read(phantom_png("normal", 5)).id
    (desk.films.folder / "notes.txt").write_text("not ours")
    assert retain(desk.store(), 30, desk.films) == (0, 0)
    assert retain(desk.store(), 30, desk.films, now=LATER) == (1, 1)
    assert desk.store().record(old) is None
    assert desk.films.ids() == {draft}
    assert (desk.films.folder / "notes.txt").exists()


def test_signed_films_become_folders_that_train_reads(desk, tmp_path, capsys):
    for seed, label in enumerate(("normal", "normal", "bacterial", "viral")):
        signed(desk, label, 10 + seed, label)
    signed(desk, "viral", 20, "other")
    desk.read(phantom_png("viral", 21))  # a draft teaches nobody
    words = ["--films", str(tmp_path / "films"), "--out", str(tmp_path / "site"), "--data-dir", str(tmp_path / "home")]
    assert main(["reviews", "films", *words]) == 0
    assert "4 films copied; 1 signed records left out" in capsys.readouterr().out
    data = find_data(str(tmp_path / "site"))
    assert sorted(film.label for film in data.films) == ["bacterial", "normal", "normal", "viral"]
    assert all(film.read().pixels.ndim == 2 for film in data.films)


def test_purge_on_the_command_line_takes_films_along(desk, tmp_path, capsys):
    kept = signed(desk, "viral", 4, "viral")
    elsewhere = Desk(desk.predictor, tmp_path / "other home", films=desk.films)
    elsewhere.read(phantom_png("normal", 5))  # this home has no record of it, as of one that was deleted
    words = ["--films", str(tmp_path / "films"), "--data-dir", str(tmp_path / "home")]
    assert main(["reviews", "purge", "--days", "1", *words]) == 0
    assert capsys.readouterr().out == "0 signed records and 1 films deleted\n", "today is not before yesterday"
    assert desk.films.ids() == {kept}


def test_folder_that_cannot_be_made_is_said_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    from edge_app.errors import StoreError

    with pytest.raises(StoreError, match="cannot be kept"):
        KeptFilms(tmp_path / "file" / "films")


def test_refused_film_is_shown_where_it_could_be_decoded_but_never_kept(desk):
    turned = np.rot90(draw_phantom("viral", 1, PhantomStyle(448, 400)))
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(turned)).save(content, "PNG")
    slip = desk.read(content.getvalue())
    assert (slip.answer, slip.reason["code"], slip.aspect) == (None, "sideways", 400 / 448)
    shown = views.viewer(slip, "en")
    assert 'class="film"' in shown
    assert "data-set" not in shown, "there is no heatmap to switch"
    assert desk.read(b"no film").film_jpeg == b""
    assert desk.films.ids() == set()
