"""Scoring many films with several workers, each with its own interpreter and one thread.

Two engines give the same predictions: processes on this machine, and Dask on one or several machines.
A worker loads the model once and then takes films in chunks; one unreadable film does not affect the others.
"""

import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from edge_app.reading.predictor import Predictor, load_predictor

CHUNK = 50  # films per task: about 100 ms of work, against about 1 ms to send a task
Prediction = tuple[str, str, float | None]  # file, status, P(pneumonia)


def chunks(paths: Sequence[str], size: int = CHUNK) -> Iterator[list[str]]:
    """Split the films into tasks."""
    for start in range(0, len(paths), size):
        yield list(paths[start : start + size])


@functools.cache
def _predictor(model: str) -> Predictor:
    """One per process: loading costs as much as about a hundred films."""
    return load_predictor(Path(model))


def score(paths: list[str], model: str) -> list[Prediction]:
    """Score films; P(pneumonia) is None where there is no answer."""
    predictor = _predictor(model)
    answers = [predictor.answer(Path(path)) for path in paths]
    return [
        (path, refusal.status, None) if (refusal := answer.refusal) else (path, "ok", answer.decision.p_finding)
        for path, answer in zip(paths, answers, strict=True)
    ]


def score_in_pool(paths: Sequence[str], model: str, workers: int) -> list[Prediction]:
    """Score with processes on this machine. They are spawned: a fork would copy locks held by threads."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = pool.map(functools.partial(score, model=model), chunks(paths))
        return [prediction for part in parts for prediction in part]


def score_with_dask(paths: Sequence[str], model: str, workers: int, scheduler: str | None = None) -> list[Prediction]:
    """Score with Dask: a cluster of this machine's processes, or the one at a scheduler's address.

    Args:
        scheduler: as `tcp://10.0.0.1:8786`; its workers need the kit and see the films and the model
            under the same paths. `workers` is then not used.
    Raises:
        ImportError: distributed is not installed.
    """
    from distributed import Client, LocalCluster

    local = None if scheduler else LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    with Client(scheduler or local) as client:
        tasks = client.map(functools.partial(score, model=model), list(chunks(paths)), pure=False)
        predictions = [prediction for part in client.gather(tasks) for prediction in part]
    if local:
        local.close()
    return predictions
