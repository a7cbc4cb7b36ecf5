"""A finished training run on disk: the float model, and what is needed to use and evaluate it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.model.card import OperatingPoint
from edge_app.model.estimate import Estimate
from edge_app.system.files import write_atomically
from train.data.labelled import NORMAL, Classes
from train.data.split import Manifest, read_manifest, write_manifest
from train.evaluation.operating_points import Calibration
from train.keras import keras
from train.networks.saving import save_model

MODEL, MANIFEST, RUN = "model.keras", "manifest.json", "run.json"
KEYS = {"figures": "metrics"}  # in run.json, where they are not the names of `Run`


@dataclass(frozen=True)
class Run:
    """All that conversion and evaluation must know about a float model."""

    arch: str
    input_size_px: int
    labels: tuple[str, ...]
    seed: int
    epochs: int
    phantom: bool
    data_licence: str
    data_attribution: str
    manifest_sha256: str
    calibration: Calibration
    figures: dict[str, Any]  # by the name of the evaluation set; `metrics` in run.json
    test: dict[str, Any] = field(default_factory=dict)  # figures on the split's test part, where it has one
    negative: str = NORMAL  # the class without the finding

    @property
    def classes(self) -> Classes:
        """What the model distinguishes."""
        return Classes(self.labels, self.negative)

    @property
    def negative_index(self) -> int:
        """Index in `labels` of the class without the finding."""
        return self.classes.negative_index


def write_run(folder: Path, model: Any, manifest: Manifest, run: Run) -> None:
    """Write model, manifest and run file. `run.json` comes last: a folder that has it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN).unlink(missing_ok=True)
    save_model(model, folder / MODEL)
    write_manifest(manifest, folder / MANIFEST)
    content = {KEYS.get(name, name): value for name, value in asdict(run).items()}
    write_atomically(folder / RUN, (json.dumps(content, indent=1) + "\n").encode())


def read_run(model_path: Path) -> tuple[Any, Manifest, Run]:
    """Read a float model and the files in its folder.

    Raises:
        DataError: the model, its manifest or its run file is missing, damaged or of another run.
    """
    run_path = model_path.with_name(RUN)
    for path in (model_path, run_path):
        if not path.exists():
            raise DataError(f"{path} is missing: run python -m train fit first")
    manifest = read_manifest(model_path.with_name(MANIFEST))
    run = _parsed(run_path)
    if manifest.sha256 != run.manifest_sha256:
        raise DataError(
            f"{model_path.parent} mixes two runs, its manifest is not that of run.json: run train fit again"
        )
    try:
        model = keras.models.load_model(model_path, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{model_path} is not a model of this kit: {cause}") from cause
    return model, manifest, run


def _parsed(path: Path) -> Run:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        calibration = raw["calibration"]
        points = {
            name: OperatingPoint(point["threshold"], Estimate(**point["recall"]), Estimate(**point["specificity"]))
            for name, point in calibration["operating_points"].items()
        }
        raw["calibration"] = Calibration(
            **calibration | {"operating_points": points, "uncertainty_band": tuple(calibration["uncertainty_band"])}
        )
        names = {key: name for name, key in KEYS.items()}
        content = {names.get(key, key): value for key, value in raw.items()}
        return Run(**content | {"labels": tuple(raw["labels"])})
    except (ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{path} is damaged: {cause!r}: run train fit again") from cause
