"""The checkpoint of a run: what a killed training continues from. A kill leaves every file intact."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.system.files import write_atomically
from train.data.split import Manifest, read_manifest, write_manifest
from train.keras import keras
from train.networks.saving import save_model
from train.training.config import CONFIG

FOLDER = "checkpoint"  # in the run folder
LAST, BEST, HISTORY, MANIFEST, ORIGIN = "last.keras", "best.keras", "history.json", "manifest.json", "start.txt"
HISTORY_CSV = "history.csv"
LOCATOR = "locator.txt"  # the hash of the locator that crops the films; empty for whole films


@dataclass(frozen=True)
class Progress:
    """How far a training is. Without averaging, `average` is the model itself."""

    model: Any
    average: Any
    history: list[dict[str, float]]
    """One row of figures per finished epoch."""
    origin: str
    """Where the first weights came from."""


def resume(
    folder: Path, manifest: Manifest, locator_sha256: str, steps: int, averaging: bool, strategy: Any
) -> Progress:
    """Read the checkpoint of a killed training.

    Args:
        locator_sha256: of the locator that crops the films; empty for whole films.
        steps: per epoch.
        averaging: whether the training averages its weights.
    Raises:
        DataError: it was started with other films, another split or another locator.
    """
    if read_manifest(folder / MANIFEST).sha256 != manifest.sha256:
        raise DataError(f"{folder} was started with other films or another split: train without --resume")
    noted = folder / LOCATOR
    if (noted.read_text(encoding="ascii") if noted.exists() else "") != locator_sha256:
        raise DataError(f"{folder} was started with another locator: train without --resume")
    with strategy.scope():
        model = keras.models.load_model(folder / LAST)
    # The history is written before the model, so a kill between them leaves it one epoch ahead.
    epochs_done = int(model.optimizer.iterations.numpy()) // steps
    average = keras.models.load_model(_average_path(folder, epochs_done)) if averaging else model
    history, origin = folder / HISTORY, folder / ORIGIN
    return Progress(
        model=model,
        average=average,
        history=json.loads(history.read_text(encoding="utf-8"))[:epochs_done] if history.exists() else [],
        origin=origin.read_text(encoding="utf-8") if origin.exists() else "not noted",
    )


def begin(folder: Path, manifest: Manifest, locator_sha256: str, origin: str, config: str) -> None:
    """Start an empty checkpoint in place of any other.

    Args:
        origin: where the first weights came from.
        config: the settings of the run as TOML.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_manifest(manifest, folder / MANIFEST)
    write_atomically(folder / LOCATOR, locator_sha256.encode())
    write_atomically(folder / ORIGIN, origin.encode())
    write_atomically(folder / CONFIG, config.encode())


def save(folder: Path, model: Any, average: Any, history: list[dict[str, float]], is_best: bool) -> None:
    """Save an epoch: the history, the best model, and last the model that a resumed training starts from.

    So after a kill at any moment, the other files hold every epoch that the last model holds.
    """
    epoch = int(history[-1]["epoch"])
    _write_history(folder, history)
    if is_best:
        save_model(average, folder / BEST)
    # The new average is written next to the previous one: a kill here leaves the pair that belongs together.
    save_model(average, _average_path(folder, epoch))
    save_model(model, folder / LAST)
    _average_path(folder, epoch - 1).unlink(missing_ok=True)


def best_model(folder: Path) -> Any:
    """The averaged model of the best epoch."""
    return keras.models.load_model(folder / BEST, compile=False)


def _write_history(folder: Path, history: list[dict[str, float]]) -> None:
    """Write the figures of every epoch as JSON and as CSV."""
    rows = [list(history[0]), *(row.values() for row in history)]
    lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
    write_atomically(folder / HISTORY, json.dumps(history, indent=1).encode())
    write_atomically(folder / HISTORY_CSV, lines.encode())


def _average_path(folder: Path, epochs: int) -> Path:
    return folder / f"average-{epochs}.keras"
