"""The cases that the kiosk read recently, in memory only: they are gone when the kiosk stops."""

import threading
from collections import OrderedDict

from edge_app.workflow.case import Case

MAX_CASES = 100  # about 150 kB each


class RecentCases:
    """The newest cases by id; the oldest make room. Safe for several threads."""

    def __init__(self, max_cases: int = MAX_CASES) -> None:
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._max_cases = max_cases
        self._lock = threading.Lock()

    def put(self, case: Case) -> None:
        """Add a case; when there are too many, the oldest one goes."""
        with self._lock:
            self._cases[case.id] = case
            while len(self._cases) > self._max_cases:
                self._cases.popitem(last=False)

    def get(self, case_id: str) -> Case | None:
        """The case with that id, None when it is not (or no longer) there."""
        with self._lock:
            return self._cases.get(case_id)

    def __len__(self) -> int:
        return len(self._cases)
