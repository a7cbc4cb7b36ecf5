"""What came and what became of it: nothing that is handed in, watched or sent vanishes."""

import numpy as np
import pytest

from edge_app.errors import ReviewRefused
from edge_app.imaging.phantom import phantom_png
from edge_app.kiosk.language import LANGUAGES
from edge_app.kiosk.views.answer import answer
from edge_app.kiosk.views.hand_in import outcome
from edge_app.kiosk.views.words import Words, about_child
from edge_app.records.kept_films import KeptFilms
from edge_app.records.readers import add_reader
from edge_app.records.record import Signature, Visit
from edge_app.workflow import reading_service
from edge_app.workflow.folder_watch import Watcher, read_new_films
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


def listed(service: ReadingService) -> list[Visit]:
    """Whose films wait without an answer, as a kiosk says it that was started anew."""
    return [film.visit for film in ReadingService(service.predictor, service.home).refused()]


def test_two_children_with_the_same_empty_file_are_two_entries(service):
    anna, ben = (service.read(b"", visit=Visit(label, age)) for label, age in (("ANNA", 2.0), ("BEN", 3.0)))
    assert [film.visit.label for film in service.refused()] == ["BEN", "ANNA"]
    assert listed(service) == [ben.visit, anna.visit]
    assert service.read(b"", visit=anna.visit).id == anna.id, "handed in once more"
    service.read(b"")
    assert [visit.label for visit in listed(service)] == ["", "BEN", "ANNA"], "the third may be of another child"


def test_a_refused_film_from_the_folder_gets_the_label_with_which_it_is_handed_in(service, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    watched = service.read_file(tmp_path / "cut.jpg")
    assert service.read(b"\xff\xd8\xff", visit=CHILD).id == watched.id
    assert listed(service) == [CHILD]
    assert (service.store().audit_log()[-1].action, service.store().check()) == ("visit named", [])


@pytest.mark.parametrize("first", [Visit(), Visit("0412"), CHILD])
def test_an_unsigned_draft_gets_what_is_said_when_its_film_is_handed_in_again(service, first):
    film = phantom_png("viral", 8)
    case, again = service.read(film, "watch", first), service.read(film, visit=CHILD)
    assert (again.id, again.visit, again.answer.warnings.count("read_before")) == (case.id, CHILD, 1)
    assert not {"age_unknown", "other_child"} & set(again.answer.warnings)
    assert service.store().record(case.id).visit == CHILD
    assert service.store().check() == []


def test_an_age_that_is_said_when_a_film_is_handed_in_again_takes_its_draft_off_the_list(predictor, tmp_path):
    service = ReadingService(predictor, tmp_path / "home", films=KeptFilms(tmp_path / "films"))
    film, child = phantom_png("viral", 9), Visit("DORA", 10.0, "F")
    draft = service.read(film)
    again = service.read(film, visit=child)
    assert (again.id, again.visit, again.answer.refusal.code) == (draft.id, child, "age_out_of_range")
    assert (service.waiting(), listed(service), service.films.ids()) == ([], [child], set())
    assert service.store().check() == []


@pytest.mark.parametrize(
    "said", [Visit("0413", 2.0, "F"), Visit("0412", 4.0), Visit("0412", 10.0), Visit("", 2.0, "M")]
)
def test_another_child_than_the_record_says_changes_nothing_and_both_are_shown(service, said):
    film = phantom_png("viral", 10)
    draft = service.read(film, visit=CHILD)
    again = service.read(film, visit=said)
    assert (again.id, again.visit, again.saved, bool(again.pictures.film_jpeg)) == (draft.id, CHILD, True, True)
    assert [(case.id, case.visit) for case in service.waiting()] == [(draft.id, CHILD)]
    assert (service.refused(), service.as_json(again)["warnings"][-1]) == ([], "other_child")
    for language in LANGUAGES:
        w, card = Words(language), service.predictor.card
        for page in (outcome([again], card, language), answer(again, card, language)):
            warning = page[page.index(f"<bdi>0412</bdi>, {about_child(CHILD, w)}") :]
            assert about_child(said, w) in warning
            assert f"<bdi>{said.label}</bdi>" in warning or not said.label
    corrected = service.name_visit(draft.id, Visit("0413", 2.0, "F"), "page", again.version)
    assert "other_child" not in corrected.answer.warnings, "somebody saw to it"


def test_a_signed_film_that_is_handed_in_for_a_child_keeps_what_was_signed(service):
    add_reader(service.store(), "AB", "2468")
    film = phantom_png("viral", 11)
    draft = service.read(film)
    service.sign(Signature(draft.id, "AB", "viral", draft.version), "2468")
    again = service.read(film, visit=CHILD)
    assert (again.id, again.status, again.visit) == (draft.id, "signed", Visit())
    assert "other_child" in again.answer.warnings
    refused = service.read(film, visit=Visit("0412", 40.0))
    assert (refused.answer.refusal.code, listed(service)) == ("age_out_of_range", [Visit("0412", 40.0)])


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
    monkeypatch.setattr(reading_service, "MAX_UNSAVED", 0)
    (tmp_path / "films").mkdir()
    path = tmp_path / "films" / "late.png"
    path.write_bytes(phantom_png("viral", 7))
    watcher = Watcher(path.parent)
    watcher.new_films()
    until_full(service)
    read_new_films(service, watcher)
    fill_disk(service, is_full=False)
    assert service.waiting() == []
    read_new_films(service, watcher)
    assert np.isfinite(service.waiting()[0].answer.decision.p_finding)
