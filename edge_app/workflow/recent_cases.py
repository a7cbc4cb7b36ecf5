"""The cases that the kiosk read recently, in memory only: they are gone when the kiosk stops."""

import threading
from collections import OrderedDict
from dataclasses import replace

from edge_app.imaging.limits import MIB
from edge_app.workflow.case import Case, Pictures

MAX_CASES = 100  # about 150 kB each
MAX_FILES_BYTES = 16 * MIB  # of the newest films' files: 20 JPEGs, or two films of 2048 x 2048 in DICOM


class RecentCases:
    """The newest cases by id, and the files of the newest of them; the oldest make room. Safe for several threads."""

    def __init__(self, max_cases: int = MAX_CASES, max_files_bytes: int = MAX_FILES_BYTES) -> None:
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._max_cases, self._max_files_bytes = max_cases, max_files_bytes
        self._lock = threading.Lock()

    def put(self, case: Case, file: bytes = b"") -> None:
        """Add a case, with its film's file if it may be shown in full or read again."""
        with self._lock:
            self._cases[case.id] = case
            if file:
                self._files[case.id] = file
            while len(self._cases) > self._max_cases:
                self._files.pop(self._cases.popitem(last=False)[0], None)
            while sum(map(len, self._files.values())) > self._max_files_bytes:
                self._files.popitem(last=False)

    def get(self, case_id: str) -> Case | None:
        """The case with that id, None when it is not (or no longer) there."""
        with self._lock:
            return self._cases.get(case_id)

    def show(self, case_id: str, pictures: Pictures) -> None:
        """Give a case other pictures, whatever else became of it by now."""
        with self._lock:
            if case := self._cases.get(case_id):
                self._cases[case_id] = replace(case, pictures=pictures)

    def file(self, case_id: str) -> bytes:
        """The film's file as it came; empty when it is not (or no longer) there."""
        with self._lock:
            return self._files.get(case_id, b"")

    def __len__(self) -> int:
        return len(self._cases)
