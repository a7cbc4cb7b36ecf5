"""The configuration under test, and for how long it is measured."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Progress = Callable[[str], None]  # called now and then with the progress of a measurement, in words


@dataclass(frozen=True)
class RunLength:
    """How long to measure: until a candidate has `min_runs` runs or `max_seconds` of them."""

    rounds: int = 20  # 1 or more
    min_runs: int = 1000  # inferences, over all rounds
    max_seconds: float = 10.0  # over all rounds
    warmup_seconds: float = 0.5  # before the first round

    def runs_per_round(self, one_run_s: float) -> int:
        """How often a candidate runs in each round."""
        runs = min(float(self.min_runs), self.max_seconds / max(one_run_s, 1e-9))
        return max(1, -(-int(runs) // self.rounds))


FULL = RunLength()
QUICK = RunLength(rounds=5, min_runs=50, max_seconds=0.5, warmup_seconds=0.05)


@dataclass(frozen=True)
class Candidate:
    """A model in an engine; `facts` go into its row unchanged."""

    name: str
    engine: str
    model: Path
    threads: int = 1
    facts: dict[str, Any] = field(default_factory=dict)
    missing: str | None = None  # why its file is not here

    def describe(self) -> dict[str, Any]:
        """The fields that every row has, whether it could run or not."""
        return {"name": self.name, "engine": self.engine, "threads": self.threads} | self.facts


class CannotRun(Exception):
    """A candidate, program or kiosk cannot run here; the message says why, and the others continue."""
