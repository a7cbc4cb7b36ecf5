"""The site: the clinic's name, and who may set the machine up."""

from edge_app.errors import ActRefused
from edge_app.records.database import Store
from edge_app.records.readers import PinEntry, check_reader, was_anybody_enrolled

CLINIC = "clinic"  # in the table `meta`
MAX_NAME = 60  # characters
SET_UP = (PinEntry("set-up"),)


def clinic_name(store: Store) -> str:
    """The clinic's name as it stands on every report; "" until somebody set it."""
    with store.reading() as db:
        row = db.execute("SELECT value FROM meta WHERE key = ?", (CLINIC,)).fetchone()
    return row[0] if row else ""


def name_clinic(store: Store, name: str, actor: str) -> None:
    """Set the clinic's name.

    Raises:
        ActRefused: it is empty or too long.
        StoreError: it could not be written.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME:
        raise ActRefused("clinic_form", f"A name has 1 to {MAX_NAME} characters.", most=str(MAX_NAME))
    with store.writing() as act:
        act.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (CLINIC, name))
        act.note(actor, "clinic named", detail=name)


def check_technician(store: Store, initials: str, pin: str, first_start_too: bool = False) -> str:
    """Check the initials and the PIN of a reader or technician who changes how the machine is set up.

    Args:
        first_start_too: allow it without a PIN until somebody was enrolled.
    Returns:
        Who it is, for the audit log.
    Raises:
        ReaderRefused: as `check_reader`; `no_reader` also for empty fields while nobody is enrolled.
    """
    if not was_anybody_enrolled(store) and first_start_too:
        return "first start"
    return check_reader(store, initials, pin, SET_UP).initials
