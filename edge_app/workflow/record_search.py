"""What the records page lists: drafts, signed records and refused films in one order, searched and by pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from edge_app.errors import StoreError
from edge_app.records import intake
from edge_app.records.database import SCORED, Store
from edge_app.records.record import DISCARDED, Record, RefusedFilm

PAGE = 50  # rows
MAX_SEARCH = 40  # characters
WEEK, SIGNED, DRAFT, REFUSED = "week", "signed", "draft", "refused"
SHOWN = ("", WEEK, SIGNED, DRAFT, REFUSED, DISCARDED)
# Every film with its last act and what was last said of the visit. A refused film has no act.
ROWS = f"""
    SELECT records.id, created_at AS at, records.rowid AS number, COALESCE(visits.label, records.label) AS label,
        COALESCE(finding, '') AS finding, COALESCE(reader, '') AS reader,
        CASE WHEN finding != '' THEN 'signed' WHEN verdict = 'discarded' THEN 'discarded' ELSE 'draft' END AS status
    FROM {SCORED}
    LEFT JOIN reviews ON reviews.seq = (SELECT MAX(seq) FROM reviews WHERE record_id = records.id)
    LEFT JOIN visits ON visits.seq = (SELECT MAX(seq) FROM visits WHERE record_id = records.id)
    UNION ALL SELECT id, at, rowid, label, '', '', 'refused' FROM refused_films
"""
# Texts: part of the label, the beginning of the local date, the whole of the initials or of the ID.
MATCHES = """(instr(lower(label), lower(:text)) OR lower(:text) IN (lower(reader), lower(id))
    OR substr(strftime('%Y-%m-%d', at, 'localtime'), 1, length(:text)) = :text
    OR finding != '' AND instr(:findings, ' ' || finding || ' '))"""


@dataclass(frozen=True)
class Search:
    """What is looked for. `findings` are those whose names hold `text`; `show` is one of SHOWN; pages count from 1."""

    text: str = ""
    findings: tuple[str, ...] = ()
    show: str = ""
    page: int = 1


@dataclass(frozen=True)
class DamagedRecord:
    """A record that cannot be read, in its place among the others."""

    id: str


FoundFilm = Record | RefusedFilm | DamagedRecord


def find_films(store: Store, search: Search) -> tuple[list[FoundFilm], int]:
    """One page of films, the latest first.

    Returns:
        At most PAGE of them, and how many there are on all pages.
    Raises:
        StoreError: the record cannot be read.
    """
    tests = [MATCHES] if search.text else []
    if search.show == WEEK:
        tests.append("at >= :since")
    elif search.show:
        tests.append("status = :show")
    where = f"FROM ({ROWS}) WHERE {' AND '.join(tests) or '1'}"
    values = {
        "text": search.text,
        "findings": f" {' '.join(search.findings)} ",
        "show": search.show,
        "since": (datetime.now(timezone.utc) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "page": PAGE,
        "skip": PAGE * (max(search.page, 1) - 1),
    }
    query = f"SELECT id, status {where} ORDER BY at DESC, number DESC LIMIT :page OFFSET :skip"
    with store.reading() as db:
        count = db.execute(f"SELECT COUNT(*) {where}", values).fetchone()[0]
        rows = db.execute(query, values).fetchall()
    found = (_film(store, key, status) for key, status in rows)
    return [film for film in found if film], count


def _film(store: Store, film_id: str, status: str) -> FoundFilm | None:
    try:
        return intake.refused_film(store, film_id) if status == REFUSED else store.record(film_id)
    except StoreError:  # one damaged record must not hide the others
        return DamagedRecord(film_id)
