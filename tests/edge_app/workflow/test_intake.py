"""What came and what became of it: nothing that is handed in, watched or sent vanishes."""

import numpy as np
import pytest

from edge_app.errors import ReviewRefused
from edge_app.imaging.phantom import phantom_png
from edge_app.records.readers import add_reader
from edge_app.records.record import Signature, Visit
from edge_app.workflow import reading_service
from edge_app.workflow.reading_service import ReadingService
from edge_app.workflow.recent_cases import RecentCases

CHILD = Visit("0412", 2.0, "F")


def fill_disk(service: ReadingService, is_full: bool) -> None:
    with service.store().reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages if is_full else 100_000}")


def until_full(service: ReadingService) -> None:
    """Use up the pages that the database has already."""
    fill_disk(service, is_full=True)
    for seed in range(500):
        if not service.read(b"no film %d" % seed).saved:
            return


def test_a_film_says_whose_it_is_in_every_list(service):
    case = service.read(phantom_png("viral", 1), visit=CHILD)
    assert (service.find(case.id).visit, service.waiting()[0].visit) == (CHILD, CHILD)
    service.name_visit(case.id, Visit("0413", 3.0, "M"), "page", case.version)
    assert service.find(case.id).visit.label == "0413"


def test_an_adult_s_png_is_refused_once_the_age_is_said_and_warned_of_before(service):
    film = phantom_png("viral", 2)
    assert "age_unknown" in service.read(film).answer.warnings
    refused = service.read(film, visit=Visit("0500", 40.0))
    assert refused.answer.refusal.code == "age_out_of_range"
    assert "age_unknown" not in service.read(phantom_png("viral", 3), visit=CHILD).answer.warnings


def test_the_same_film_twice_is_one_record_and_can_be_seen_again(predictor, tmp_path):
    service = ReadingService(predictor, tmp_path, cases=RecentCases(1))
    add_reader(service.store(), "AB", "2468")
    film = phantom_png("viral", 4)
    first = service.read(film, visit=CHILD)
    service.read(phantom_png("normal", 5))
    unseen = Signature(first.id, "AB", "viral", first.version)
    with pytest.raises(ReviewRefused, check=lambda error: error.code == "no_film"):
        service.sign(unseen, "2468")
    again = service.read(film)
    assert (again.id, again.visit, "read_before" in again.answer.warnings) == (first.id, CHILD, True)
    assert again.pictures.film_jpeg
    service.sign(unseen, "2468")
    assert len(service.store().records()) == 2


def test_a_refused_film_is_listed_until_somebody_saw_to_it(service, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    case = service.read_file(tmp_path / "cut.jpg")
    assert (case.saved, case.source) == (True, "watch")
    assert service.read_file(tmp_path / "cut.jpg") is None, "it is read once"
    service.read(b"\xff\xd8\xff\xe0", visit=CHILD)
    assert [(film.source, film.visit.label) for film in service.refused()] == [("page", "0412"), ("watch", "")]
    reopened = ReadingService(service.predictor, tmp_path / "home")
    assert [film.id for film in reopened.refused()] == [film.id for film in service.refused()]
    assert reopened.find(case.id).answer.refusal.code == case.answer.refusal.code
    reopened.close_refused(case.id, "TE")
    assert case.id not in {film.id for film in reopened.refused()}
    assert reopened.read_file(tmp_path / "cut.jpg") is None, "nor does it come back"


def test_what_a_full_disk_kept_out_is_recorded_once_there_is_room(service):
    until_full(service)
    draft, refused = service.read(phantom_png("viral", 6), visit=CHILD), service.read(b"no film at all")
    assert (draft.saved, refused.saved, service.not_saved != "") == (False, False, True)
    assert draft.id in {case.id for case in service.unsaved()}
    fill_disk(service, is_full=False)
    service.save_again()
    assert (service.not_saved, service.unsaved()) == ("", [])
    assert service.store().record(draft.id).visit == CHILD
    assert refused.id in {case.id for case in service.refused()}
    assert service.cases.get(draft.id).saved


def test_films_beyond_those_that_are_held_are_read_again_from_their_folder(service, tmp_path, monkeypatch):
    from edge_app.kiosk.server import _look_again
    from edge_app.workflow.folder_watch import Watcher

    monkeypatch.setattr(reading_service, "MAX_UNSAVED", 0)
    (tmp_path / "films").mkdir()
    path = tmp_path / "films" / "late.png"
    path.write_bytes(phantom_png("viral", 7))
    watcher = Watcher(path.parent)
    watcher.new_films()
    until_full(service)
    assert watcher.new_films() == [path]
    case = service.read_file(path)
    _look_again(service, watcher, path, case)
    fill_disk(service, is_full=False)
    assert watcher.new_films() == [path]
    assert service.read_file(path).saved
    assert np.isfinite(service.waiting()[0].answer.decision.p_finding)
