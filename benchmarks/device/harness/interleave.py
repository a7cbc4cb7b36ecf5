"""Measuring candidates in turns: every round runs each of them for a moment, in a new random order.

A machine that slows down, heats up or gets busy then slows all of them, and a ratio taken within each
round stays fair. One candidate after the other would give the last one the hot processor.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from benchmarks.device.harness.candidate import Candidate, CannotRun, Progress, RunLength
from benchmarks.device.harness.worker_process import WorkerProcess

ORDER_SEED = 1
Item = TypeVar("Item")


def shuffled_rounds(items: Sequence[Item], rounds: int, seed: int, progress: Progress) -> Iterator[tuple[int, Item]]:
    """Yield every item once per round, in a new random order, with the number of the round from 0."""
    order = random.Random(seed)
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        turn = list(items)
        order.shuffle(turn)
        for item in turn:
            yield number, item


def measure_candidates(
    candidates: Sequence[Candidate], run_length: RunLength, progress: Progress = lambda _: None
) -> list[dict[str, Any]]:
    """Measure candidates in turns.

    Returns:
        One row per candidate, in their order; `cannot_run` says why where one could not run.
    """
    failed = {index: candidate.missing for index, candidate in enumerate(candidates) if candidate.missing}
    workers: dict[int, WorkerProcess] = {}
    try:
        for index, candidate in enumerate(candidates):
            if index in failed:
                continue
            progress(f"loading {candidate.name} in {candidate.engine}")
            try:
                workers[index] = WorkerProcess(candidate)
                workers[index].warm_up(run_length)
            except CannotRun as cause:
                failed[index] = str(cause)
        live = [index for index in workers if index not in failed]
        for _, index in shuffled_rounds(live, run_length.rounds, ORDER_SEED, progress):
            if index in failed:
                continue
            try:
                workers[index].take_turn()
            except CannotRun as cause:
                failed[index] = str(cause)
        return [
            candidate.describe() | {"cannot_run": failed[index]} if index in failed else workers[index].row()
            for index, candidate in enumerate(candidates)
        ]
    finally:
        for worker in workers.values():
            worker.close()
