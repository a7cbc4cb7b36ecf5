"""How long a site keeps records. What waits stays: drafts until signed, refused films until somebody saw to them.

A clock that is ahead would delete everything. So the clock is compared with the last one that was believed, and
if it cannot be right, nothing is deleted until somebody says that it is.
"""

import json
from datetime import datetime, timedelta, timezone

from edge_app.errors import KitError
from edge_app.records.database import Store
from edge_app.records.kept_films import KeptFilms
from edge_app.system.clock import MachineTime, machine_time

MAX_DAYS = 36_500
BELIEVED = "clock_believed"  # in the table `meta`
ISO = "%Y-%m-%dT%H:%M:%SZ"
# What a clock may differ from the last believed one, beyond the time that the machine was on.
BACK = timedelta(days=1)
AHEAD = timedelta(days=31)


class ClockDoubted(KitError):
    """The clock may be wrong, so nothing was deleted."""


def retain(
    store: Store,
    days: int,
    films: KeptFilms | None = None,
    now: datetime | None = None,
    machine: MachineTime | None = None,
    clock_is_right: bool = False,
) -> tuple[int, int]:
    """Delete records with which somebody was done longer ago than the given number of days, and their kept films.

    Args:
        days: 1 to MAX_DAYS.
        now, machine: the clock and the machine's time; the real ones when left out.
        clock_is_right: somebody looked at the clock.
    Returns:
        How many records with those of refused films, and how many films were deleted.
    Raises:
        KitError: `days` is out of range.
        ClockDoubted: the clock may be wrong.
        StoreError: the record or a film cannot be deleted.
    """
    if not 1 <= days <= MAX_DAYS:
        raise KitError(f"records are kept for 1 to {MAX_DAYS} days, not {days}")
    now, machine = now or datetime.now(timezone.utc), machine or machine_time()
    doubt = "" if clock_is_right else clock_doubt(store, now, machine)
    if doubt:
        raise ClockDoubted(f"{doubt}: set the clock, or if it is right: reviews purge --days {days} --clock-is-right")
    _believe(store, now, machine)
    records = store.purge((now - timedelta(days=days)).strftime(ISO), now.strftime(ISO))
    if films is None:
        return records, 0
    # Not those of records that are merely missing: the record may have been set aside, or an older one restored.
    return records, films.drop(store.purged(films.ids()))


def clock_doubt(store: Store, now: datetime, machine: MachineTime) -> str:
    """Why the clock may be wrong; empty when it fits what is known."""
    with store.reading() as db:
        row = db.execute("SELECT value FROM meta WHERE key = ?", (BELIEVED,)).fetchone()
        last = db.execute("SELECT at, boot_id, uptime_s FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    known = json.loads(row[0]) if row else last
    if not known:
        return ""  # a new record
    at, boot_id, uptime_s = known
    passed = now - datetime.strptime(at, ISO).replace(tzinfo=timezone.utc)
    if boot_id == machine.boot_id and uptime_s is not None:
        passed -= timedelta(seconds=machine.uptime_s - uptime_s)
    if -BACK <= passed <= AHEAD:
        return ""
    way = "ahead of" if passed > AHEAD else "behind"
    return f"nothing is deleted: the clock says {now.strftime('%Y-%m-%d')}, {abs(passed).days} days {way} the last act"


def _believe(store: Store, now: datetime, machine: MachineTime) -> None:
    value = json.dumps([now.strftime(ISO), *machine])
    with store.writing() as act:
        act.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (BELIEVED, value))
