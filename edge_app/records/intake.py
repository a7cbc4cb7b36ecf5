"""Films that came and got no score: what came, why not, and whether somebody saw to it. Drafts are in the record."""

from dataclasses import asdict

from edge_app.reading.answer import Refusal
from edge_app.records import audit
from edge_app.records.database import Store
from edge_app.records.record import RefusedFilm, Visit

COLUMNS = "id, fingerprint, status, code, sentence, source, label, age_years, sex, at"


def add_refused_film(store: Store, film: RefusedFilm) -> str:
    """Note that a film came and was refused. The same film of the same child, refused again while open, is noted once.

    Two children may have the same file, such as an empty one. Where only now somebody says whose it is, that is added.

    Returns:
        The ID under which it is listed.
    Raises:
        StoreError: it could not be written.
    """
    fingerprint = store.fingerprint(film.film_sha256)
    query = f"SELECT {COLUMNS} FROM refused_films WHERE fingerprint = ? AND code = ? AND closed_at = ''"
    with store.writing() as act:
        rows = act.execute(f"{query} ORDER BY label = '', rowid", (fingerprint, film.code)).fetchall()
        for kept in map(_refused, rows):
            if kept.visit.filled_with(film.visit) == film.visit:
                if kept.visit != film.visit:
                    _name(act, kept.id, film.visit, film.source)
                return kept.id
        _add(act, film, fingerprint)
    return film.id


def refuse_draft(act: audit.Act, record_id: str, visit: Visit, refusal: Refusal) -> None:
    """Make a draft a refused film, because of what was said of its child only now."""
    found = act.execute("SELECT fingerprint, source FROM records WHERE id = ?", (record_id,)).fetchone()
    film = RefusedFilm(record_id, "", refusal.status, refusal.code, refusal.sentence, found[1], visit)
    _add(act, film, found[0])


def name_refused_film(store: Store, film_id: str, visit: Visit, actor: str) -> None:
    """Say whose film was refused; raises `StoreError` if it could not be written."""
    with store.writing() as act:
        _name(act, film_id, visit, actor)


def open_refused_films(store: Store, limit: int = -1) -> list[RefusedFilm]:
    """Refused films to which nobody has seen yet, the newest first. Their `film_sha256` is the keyed fingerprint."""
    query = f"SELECT {COLUMNS} FROM refused_films WHERE closed_at = '' ORDER BY rowid DESC LIMIT ?"
    with store.reading() as db:
        return [_refused(row) for row in db.execute(query, (limit,)).fetchall()]


def refused_film(store: Store, film_id: str) -> RefusedFilm | None:
    """One of them, open or closed; None if there is none with that ID."""
    with store.reading() as db:
        row = db.execute(f"SELECT {COLUMNS} FROM refused_films WHERE id = ?", (film_id,)).fetchone()
    return _refused(row) if row else None


def was_refused(store: Store, film_sha256: str) -> bool:
    """Whether the same file was refused before."""
    query = "SELECT 1 FROM refused_films WHERE fingerprint = ?"
    with store.reading() as db:
        return db.execute(query, (store.fingerprint(film_sha256),)).fetchone() is not None


def waits_refused(store: Store, film_sha256: str) -> bool:
    """Whether the same file was refused, and nobody has seen to it yet."""
    query = "SELECT 1 FROM refused_films WHERE fingerprint = ? AND closed_at = ''"
    with store.reading() as db:
        return db.execute(query, (store.fingerprint(film_sha256),)).fetchone() is not None


def close_refused_film(store: Store, film_id: str, actor: str) -> None:
    """Somebody saw to a refused film, for example by taking another one: it leaves the list.

    Raises:
        StoreError: it could not be written.
    """
    with store.writing() as act:
        act.execute("UPDATE refused_films SET closed_at = ? WHERE id = ? AND closed_at = ''", (audit.now(), film_id))
        act.note(actor, "refused film closed", film_id, written=[("refused_films", film_id)])


def count_refusals(store: Store) -> list[tuple[str, str, int]]:
    """How many films were refused, by month ("2026-11") and code; the same film twice counts twice."""
    query = "SELECT substr(at, 1, 7), code, COUNT(*) FROM refused_films GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC"
    with store.reading() as db:
        return [tuple(row) for row in db.execute(query)]


def _add(act: audit.Act, film: RefusedFilm, fingerprint: str) -> None:
    row = act.insert(
        "refused_films",
        id=film.id,
        at=audit.now(),
        source=film.source,
        fingerprint=fingerprint,
        status=film.status,
        code=film.code,
        sentence=film.sentence,
        **asdict(film.visit),
    )
    act.note("kiosk", "film refused", film.id, film.code, [row])


def _name(act: audit.Act, film_id: str, visit: Visit, actor: str) -> None:
    values = (visit.label, visit.age_years, visit.sex, film_id)
    act.execute("UPDATE refused_films SET label = ?, age_years = ?, sex = ? WHERE id = ?", values)
    act.note(actor, "visit named", film_id, written=[("refused_films", film_id)])


def _refused(row: tuple) -> RefusedFilm:
    film_id, fingerprint, status, code, sentence, source, label, age_years, sex, at = row
    return RefusedFilm(film_id, fingerprint, status, code, sentence, source, Visit(label, age_years, sex), at)
