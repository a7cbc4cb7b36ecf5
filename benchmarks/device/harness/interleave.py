"""Measuring rows in turns: every round runs every row for a moment, in an order drawn afresh.

A machine that slows down, heats up or gets busy then slows all rows, and a ratio taken within each
round stays fair. One row after the other would give the last one the hot processor.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.output.statistics import latency_metrics, median_ms
from edge_app.system.child_process import child_environment

ORDER_SEED = 1


@dataclass(frozen=True)
class Effort:
    """How long to measure: until a row has `min_runs` runs or `max_seconds` of them."""

    rounds: int = 20
    min_runs: int = 1000
    max_seconds: float = 10.0
    warmup_seconds: float = 0.5

    def runs_a_round(self, one_run_s: float) -> int:
        """How often a row runs in each round."""
        runs = min(float(self.min_runs), self.max_seconds / max(one_run_s, 1e-9))
        return max(1, -(-int(runs) // self.rounds))


@dataclass(frozen=True)
class Contender:
    """One row: a model in an engine. `facts` go into the row as they are."""

    name: str
    engine: str
    model: Path
    threads: int = 1
    facts: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """The fields that every row has, whether it could run or not."""
        return {"name": self.name, "engine": self.engine, "threads": self.threads} | self.facts


class CannotRun(Exception):
    """This row cannot run here; the message says why, and the others go on."""


class Worker:
    """The child process of one row."""

    def __init__(self, contender: Contender) -> None:
        """Start the child and load the model in it.

        Raises:
            CannotRun: no such engine here, or it refuses the model.
        """
        self.contender = contender
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        words = [contender.engine, str(contender.model), str(contender.threads)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.device.harness.worker", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=child_environment(),
        )
        try:
            self.loaded = self._answer()
        except CannotRun:
            self.close()
            raise
        if "cannot_run" in self.loaded:
            self.close()
            raise CannotRun(self.loaded["cannot_run"])
        self.wall_ns: list[list[int]] = []
        self.cpu_ns: list[list[int]] = []
        self.warmup_ns: list[int] = []
        self.memory_kb: dict[str, int] | None = None
        self.runs_a_round = 1
        self.seconds_a_round = 1.0

    def warm_up(self, effort: Effort) -> None:
        """Run until the row's speed is known, and decide how often it runs in a round."""
        while sum(self.warmup_ns) < effort.warmup_seconds * 1e9:
            last_s = self.warmup_ns[-1] / 1e9 if self.warmup_ns else 1.0
            runs = max(1, min(500, int(0.1 / last_s)))
            self.warmup_ns += self._timed(runs, effort.warmup_seconds)["wall_ns"]
        self.runs_a_round = effort.runs_a_round(min(self.warmup_ns) / 1e9)
        self.seconds_a_round = effort.max_seconds / effort.rounds

    def take_turn(self) -> None:
        """One round of this row."""
        times = self._timed(self.runs_a_round, self.seconds_a_round)
        self.wall_ns.append(times["wall_ns"])
        self.cpu_ns.append(times["cpu_ns"])
        self.memory_kb = times["memory_kb"]

    def row(self) -> dict[str, Any]:
        """The figures of this row; `rounds` holds the medians that ratios are computed from."""
        wall_ns = [time for turn in self.wall_ns for time in turn]
        cpu_ns = [time for turn in self.cpu_ns for time in turn]
        metrics = latency_metrics(wall_ns, self.loaded["init_ns"], self.loaded["first_ns"], self.warmup_ns)
        size_mb = _size_bytes(self.contender.model) / 1e6
        return self.contender.describe() | {
            "engine_version": self.loaded["engine"],
            "latency_metrics": metrics,
            "cpu_median_ms": median_ms(cpu_ns),
            "throughput_per_s": round(1e3 / metrics["avg_ms"], 1),
            "memory_metrics": self._memory_metrics(),
            "misc_metrics": {
                "model_size_mb": round(size_mb, 4),
                "num_runs": len(wall_ns),
                "num_warmup_runs": len(self.warmup_ns),
                "model_throughput_in_mb_per_sec": round(size_mb * 1e3 / metrics["avg_ms"], 2),
            },
            "ops": self.loaded["ops"],
            "macs": self.loaded["macs"],
            "rounds": {
                "median_ms": [median_ms(turn) for turn in self.wall_ns],
                "cpu_median_ms": [median_ms(turn) for turn in self.cpu_ns],
            },
        }

    def close(self) -> None:
        """End the child."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _timed(self, runs: int, seconds: float) -> dict[str, Any]:
        assert self._process.stdin
        try:
            self._process.stdin.write(f"{runs} {seconds}\n")
            self._process.stdin.flush()
        except BrokenPipeError as cause:
            raise CannotRun(self._last_words()) from cause
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise CannotRun(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        ended = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"its process {ended}: {lines[-1] if lines else 'no message'}"

    def _memory_metrics(self) -> dict[str, float] | None:
        before, loaded, now = self.loaded["before_kb"], self.loaded["loaded_kb"], self.memory_kb
        if not before or not loaded or not now:
            return None
        return {
            "init_footprint_kb": loaded["rss"] - before["rss"],
            "overall_footprint_kb": now["rss"] - before["rss"],
            "peak_mem_mb": round(now["peak"] / 1024, 1),
        }


def measure(
    contenders: Sequence[Contender], effort: Effort, progress: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Measure rows in turns.

    Args:
        progress: told now and then, in words, how far this is.
    Returns:
        One row a contender, in their order; one that cannot run says so in `cannot_run`.
    """
    failed: dict[int, str] = {}
    workers: dict[int, Worker] = {}
    try:
        for index, contender in enumerate(contenders):
            progress(f"loading {contender.name} in {contender.engine}")
            try:
                workers[index] = Worker(contender)
                workers[index].warm_up(effort)
            except CannotRun as cause:
                failed[index] = str(cause)
        _run_rounds(workers, failed, effort, progress)
        return [
            contender.describe() | {"cannot_run": failed[index]} if index in failed else workers[index].row()
            for index, contender in enumerate(contenders)
        ]
    finally:
        for worker in workers.values():
            worker.close()


def _run_rounds(
    workers: dict[int, Worker], failed: dict[int, str], effort: Effort, progress: Callable[[str], None]
) -> None:
    order = random.Random(ORDER_SEED)
    for number in range(effort.rounds):
        progress(f"round {number + 1} of {effort.rounds}")
        turn = [index for index in workers if index not in failed]
        order.shuffle(turn)
        for index in turn:
            try:
                workers[index].take_turn()
            except CannotRun as cause:
                failed[index] = str(cause)


def _size_bytes(model: Path) -> int:
    if model.is_dir():
        return sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    return model.stat().st_size
