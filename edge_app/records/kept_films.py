"""Films that a site chose to keep: as the reader saw them, under the record's id, in a folder of the site's choice.

Off unless a folder is named. The kit does not encrypt: put the folder on a partition of its own that
the site encrypts (LUKS). The files hold no name, number or date, but they are pictures of patients.
Only the kiosk's user can read them.
"""

import re
from collections.abc import Collection
from pathlib import Path

from edge_app.errors import StoreError
from edge_app.records.record import ID_ALPHABET, ID_LENGTH
from edge_app.system.files import write_private

FILE_NAME = re.compile(rf"([{ID_ALPHABET}]{{{ID_LENGTH}}})\.jpg")


class KeptFilms:
    """A folder of JPEGs, one per record; see `edge_app.workflow.case.pictures_of` for their size."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is not there.

        Raises:
            StoreError: it cannot be made.
        """
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as cause:
            raise StoreError(f"films cannot be kept in {folder}: {cause.strerror}") from cause

    def keep(self, record_id: str, jpeg: bytes) -> None:
        """Put a film on the disk.

        Raises:
            StoreError: it cannot be written; the record stands without it.
        """
        try:
            write_private(self._path(record_id), jpeg)
        except OSError as cause:
            raise StoreError(f"the film is not kept: {self.folder} cannot be written: {cause.strerror}") from cause

    def film(self, record_id: str) -> bytes:
        """A kept film as JPEG; empty if there is none or it cannot be read."""
        try:
            return self._path(record_id).read_bytes()
        except OSError:
            return b""

    def ids(self) -> set[str]:
        """The records whose films are kept; files with other names are ignored."""
        try:
            found = [FILE_NAME.fullmatch(path.name) for path in self.folder.iterdir()]
        except OSError as cause:
            raise StoreError(f"{self.folder} cannot be read: {cause.strerror}") from cause
        return {match[1] for match in found if match}

    def drop(self, record_ids: Collection[str]) -> int:
        """Delete the films of some records.

        Returns:
            How many were deleted.
        Raises:
            StoreError: one of them cannot be deleted.
        """
        try:
            for record_id in record_ids:
                self._path(record_id).unlink(missing_ok=True)
        except OSError as cause:
            raise StoreError(f"a film in {self.folder} cannot be deleted: {cause.strerror}") from cause
        return len(record_ids)

    def _path(self, record_id: str) -> Path:
        return self.folder / f"{record_id}.jpg"
