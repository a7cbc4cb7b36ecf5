"""Training on several devices or machines: every replica takes its slice of the same global batch.

With `multiworker` each machine runs the same command, and TF_CONFIG says which of them it is. All of
them read the films. Only the chief writes to the run folder; the others write to a folder that they
remove.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from train.keras import tf

SINGLE, MIRRORED, MULTIWORKER = STRATEGIES = ("single", "mirrored", "multiworker")
CONFIG_VARIABLE = "TF_CONFIG"


@dataclass(frozen=True)
class Placement:
    """Where this process trains and writes. `out` is the run folder, or a worker's temporary folder."""

    strategy: Any
    out: Path


def is_chief(name: str) -> bool:
    """Whether this process is the one that writes: the only one, the chief, or worker 0 without a chief.

    Raises:
        DataError: `multiworker` without a usable TF_CONFIG.
    """
    if name != MULTIWORKER:
        return True
    cluster, kind, index = _role()
    return kind == "chief" or (index == 0 and "chief" not in cluster)


def _role() -> tuple[dict[str, list[str]], str, int]:
    """Cluster, and this process's kind and number in it."""
    text = os.environ.get(CONFIG_VARIABLE, "")
    try:
        config = json.loads(text)
        cluster, kind, index = config["cluster"], config["task"]["type"], int(config["task"]["index"])
        known = set(cluster) <= {"chief", "worker"} and 0 <= index < len(cluster[kind])
    except (ValueError, KeyError, TypeError) as cause:
        raise DataError(
            f"--strategy multiworker needs {CONFIG_VARIABLE} on every machine, got {text!r}: "
            '{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'
        ) from cause
    if not known:
        raise DataError(f"{CONFIG_VARIABLE} must name workers and perhaps a chief, this process among them, got {text}")
    return cluster, kind, index


@contextmanager
def placement(name: str, out: Path, checkpoint: str) -> Iterator[Placement]:
    """Open a strategy; call it before TensorFlow does anything else.

    Args:
        name: one of STRATEGIES.
        out: the run folder; a worker that resumes reads the chief's checkpoint there.
        checkpoint: name of the folder in it.
    Raises:
        DataError: no such strategy, or TF_CONFIG is missing or wrong.
    """
    if name not in STRATEGIES:
        raise DataError(f"there is no strategy {name!r}; there are {', '.join(STRATEGIES)}")
    chief = is_chief(name)
    strategy = {
        SINGLE: tf.distribute.get_strategy,
        MIRRORED: tf.distribute.MirroredStrategy,
        MULTIWORKER: tf.distribute.MultiWorkerMirroredStrategy,
    }[name]()
    if chief:
        yield Placement(strategy, out)
        return
    with tempfile.TemporaryDirectory(prefix="train-worker-") as scratch:
        if (out / checkpoint).exists():
            shutil.copytree(out / checkpoint, Path(scratch) / checkpoint)
        yield Placement(strategy, Path(scratch))


def shared_out(batches: Any, strategy: Any) -> Any:
    """The global batches as each replica's own slices.

    Every machine draws the whole batch, the same films that a single machine would draw, and keeps its
    part.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches

    def slices(context: Any) -> Any:
        here = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * here

        def own(*batch: Any) -> tuple[Any, ...]:
            return tuple(tf.reshape(part, [replicas, -1, *part.shape[1:]])[first : first + here] for part in batch)

        return batches.map(own).unbatch().prefetch(2)

    return strategy.distribute_datasets_from_function(slices)
