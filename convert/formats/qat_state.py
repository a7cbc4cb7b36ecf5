"""The state of a quantization-aware training: one file, written after each epoch, to resume from."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.options import QatOptions
from edge_app.errors import DataError
from edge_app.system.files import sha256_of, write_atomically
from train.data.loading import LoadedFilms


@dataclass
class Progress:
    """The distance from the teacher before training and after each epoch, and the nearest weights so far."""

    errors: list[float]
    best: list[np.ndarray]

    @property
    def epochs(self) -> int:
        """How many are done."""
        return len(self.errors) - 1

    def add(self, error: float, weights: list[np.ndarray]) -> None:
        """Record an epoch; keep its weights if they are nearer than all before."""
        if error < min(self.errors):
            self.best = weights
        self.errors.append(error)

    def stalled(self, patience: int) -> bool:
        """True when the last `patience` epochs came no nearer than an epoch before them.

        The start does not count: its ranges were measured on films, and the first epochs, at the
        highest learning rate, move away from it before they come nearer.
        """
        trained = self.errors[1:]
        return len(trained) > patience and len(trained) - 1 - int(np.nanargmin(trained)) >= patience


class QatCheckpoint:
    """The state of one training on disk. `identity` is the fingerprint of its model, films and options."""

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity

    def write(self, progress: Progress, student: Any, optimizer: Any) -> None:
        """Write it atomically: a kill leaves the state of this epoch or of the one before."""
        arrays = {"identity": np.array(self._identity), "errors": np.array(progress.errors)}
        arrays |= _numbered("best", progress.best)
        arrays |= _numbered("student", student.get_weights())
        arrays |= _numbered("optimizer", [variable.numpy() for variable in optimizer.variables])
        content = io.BytesIO()
        np.savez(content, **arrays)
        write_atomically(self._path, content.getvalue())

    def read(self, student: Any, optimizer: Any) -> Progress | None:
        """Load a stored state into model and optimizer; None when there is none.

        Raises:
            DataError: the state is damaged, or of another model, other films or other options.
        """
        if not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                arrays = dict(stored)
            if str(arrays["identity"]) != self._identity:
                raise DataError(
                    f"{self._path} is of another model, other films or other options: convert without --resume"
                )
            student.set_weights(_gathered(arrays, "student"))
            for variable, value in zip(optimizer.variables, _gathered(arrays, "optimizer"), strict=True):
                variable.assign(value)
            return Progress(arrays["errors"].tolist(), _gathered(arrays, "best"))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as cause:
            raise DataError(f"{self._path} is damaged ({cause}): convert without --resume") from cause


def fingerprint(teacher: Any, films: LoadedFilms, options: QatOptions) -> str:
    """A hash of everything that decides how a training goes; `resume` and `patience` do not."""
    weights = b"".join(np.ascontiguousarray(weight).tobytes() for weight in teacher.get_weights())
    settings = [options.epochs, options.learning_rate, options.batch_size, options.seed, list(films.hashes)]
    return sha256_of(weights + json.dumps(settings).encode())


def _numbered(name: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}.{index:04d}": array for index, array in enumerate(arrays)}


def _gathered(arrays: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    return [arrays[key] for key in sorted(arrays) if key.startswith(f"{name}.")]
