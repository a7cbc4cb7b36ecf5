"""The parent's side of a worker: it starts the child of one candidate and collects its times."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from benchmarks.device.harness.candidate import Candidate, CannotRun, RunLength
from benchmarks.device.harness.child import last_line
from benchmarks.output.statistics import latency_metrics, median_ms
from edge_app.system.child_process import child_environment


class WorkerProcess:
    """The child process of one candidate."""

    def __init__(self, candidate: Candidate) -> None:
        """Start the child and load the model in it.

        Raises:
            CannotRun: there is no such engine here, or it refuses the model.
        """
        self.candidate = candidate
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        words = [candidate.engine, str(candidate.model), str(candidate.threads)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.device.harness.worker", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=child_environment(),
        )
        try:
            self.loaded = self._reply()
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
        self.runs_per_round = 1
        self.seconds_per_round = 1.0

    def warm_up(self, run_length: RunLength) -> None:
        """Run until the speed is known, and decide how often the candidate runs in each round."""
        while sum(self.warmup_ns) < run_length.warmup_seconds * 1e9:
            last_s = self.warmup_ns[-1] / 1e9 if self.warmup_ns else 1.0
            runs = max(1, min(500, int(0.1 / last_s)))
            self.warmup_ns += self._timed(runs, run_length.warmup_seconds)["wall_ns"]
        self.runs_per_round = run_length.runs_per_round(min(self.warmup_ns) / 1e9)
        self.seconds_per_round = run_length.max_seconds / run_length.rounds

    def take_turn(self) -> None:
        """One round of this candidate."""
        times = self._timed(self.runs_per_round, self.seconds_per_round)
        self.wall_ns.append(times["wall_ns"])
        self.cpu_ns.append(times["cpu_ns"])
        self.memory_kb = times["memory_kb"]

    def row(self) -> dict[str, Any]:
        """The figures of this candidate; `rounds` holds the medians that ratios are computed from."""
        wall_ns = [time for turn in self.wall_ns for time in turn]
        cpu_ns = [time for turn in self.cpu_ns for time in turn]
        metrics = latency_metrics(wall_ns, self.loaded["init_ns"], self.loaded["first_ns"], self.warmup_ns)
        size_mb = _size_bytes(self.candidate.model) / 1e6
        return self.candidate.describe() | {
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
            raise CannotRun(self._how_it_ended()) from cause
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise CannotRun(self._how_it_ended())
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        ended = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"its process {ended}: {last_line(self._log) or 'no message'}"

    def _memory_metrics(self) -> dict[str, float] | None:
        before, loaded, now = self.loaded["before_kb"], self.loaded["loaded_kb"], self.memory_kb
        if not before or not loaded or not now:
            return None
        return {
            "init_footprint_kb": loaded["rss"] - before["rss"],
            "overall_footprint_kb": now["rss"] - before["rss"],
            "peak_mem_mb": round(now["peak"] / 1024, 1),
        }


def _size_bytes(model: Path) -> int:
    if model.is_dir():
        return sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    return model.stat().st_size
