"""How long a site keeps signed records. Drafts stay until somebody signs them."""

from datetime import datetime, timedelta, timezone

from edge_app.records.database import Store
from edge_app.records.kept_films import KeptFilms


def retain(store: Store, days: int, films: KeptFilms | None = None, now: datetime | None = None) -> tuple[int, int]:
    """Delete signed records older than the given number of days, and kept films whose record is gone.

    Returns:
        How many records, and how many films were deleted.
    Raises:
        StoreError: the record or a film cannot be deleted.
    """
    before = (now or datetime.now(timezone.utc)) - timedelta(days=days)
    records = store.purge(before.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if films is None:
        return records, 0
    kept = {record.id for record in store.records()}
    return records, films.drop_all_but(kept)
