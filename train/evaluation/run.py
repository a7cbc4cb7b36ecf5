"""A finished training run on disk: the float model, and what is needed to use and evaluate it."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.imaging.phantom import LABELS
from edge_app.model.card import FINDING, NEGATIVE_LABEL, OperatingPoint
from edge_app.model.estimate import Estimate
from edge_app.model.preparation import Preparation
from edge_app.system.files import sha256_of, write_together
from train.data.labelled import NORMAL, Classes
from train.data.locator_files import FOLDER as LOCATOR
from train.data.locator_files import LocatorFiles, find_locator, preparation_of
from train.data.purpose import Purpose
from train.data.split import Manifest, read_manifest, write_manifest
from train.evaluation.operating_points import Calibration
from train.keras import keras
from train.networks.saving import save_model

MODEL, MANIFEST, RUN = "model.keras", "manifest.json", "run.json"
RUN_SHA256 = f"{RUN}.sha256"
NOT_WRITTEN = ("sha256", "changed")
PNEUMONIA_CLASSES = frozenset({NEGATIVE_LABEL, *LABELS, FINDING})
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
    purpose: Purpose = field(default_factory=Purpose)  # whom it is for
    locator_sha256: str = ""  # of the locator that cropped its films; empty: it sees whole films
    own_network: dict[str, str] = field(default_factory=dict)  # of a network that this kit did not train: file, scale
    record: dict[str, Any] = field(default_factory=dict)  # from `train.evaluation.run_record`; empty before 0.5.0
    sha256: str = field(default="", compare=False)  # of run.json, which does not hold it
    changed: bool = field(default=False, compare=False)  # run.json is not what was written: run.json.sha256 says so

    @property
    def classes(self) -> Classes:
        """What the model distinguishes."""
        return Classes(self.labels, self.negative)


def finding_of(labels: tuple[str, ...], negative: str) -> str:
    """The name for all classes except the negative one."""
    others = [label for label in labels if label != negative]
    if negative == NEGATIVE_LABEL and set(labels) <= PNEUMONIA_CLASSES:
        return FINDING
    return others[0] if len(others) == 1 else f"not {negative}"


def write_run(folder: Path, model: Any, manifest: Manifest, run: Run, locator: LocatorFiles | None) -> None:
    """Write model, locator, manifest and run file. `run.json` comes last: a folder that has it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN).unlink(missing_ok=True)
    save_model(model, folder / MODEL)
    shutil.rmtree(folder / LOCATOR, ignore_errors=True)  # of an earlier run
    if locator:
        locator.write(folder / LOCATOR)
    write_manifest(manifest, folder / MANIFEST)
    content = {KEYS.get(name, name): value for name, value in asdict(run).items() if name not in NOT_WRITTEN}
    text = (json.dumps(content, indent=1) + "\n").encode()
    write_together({folder / RUN_SHA256: f"{sha256_of(text)}  {RUN}\n".encode(), folder / RUN: text})


def read_run(model_path: Path) -> tuple[Any, Manifest, Run]:
    """Read a float model and the files in its folder.

    Raises:
        DataError: the model, its manifest or its run file is missing, damaged or of another run.
    """
    run_path = model_path.with_name(RUN)
    for path in (model_path, run_path):
        if not path.exists():
            raise DataError(
                f"{path} is missing: run python -m train fit first; convert takes other Keras networks with --labels"
            )
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


def locator_of(model_path: Path, run: Run) -> LocatorFiles | None:
    """The locator of a finished run; None for a model that sees whole films.

    Raises:
        DataError: it is missing, damaged or of another run.
    """
    if not run.locator_sha256:
        return None
    folder = model_path.with_name(LOCATOR)
    locator = find_locator(folder)
    if locator is None or locator.sha256 != run.locator_sha256:
        raise DataError(
            f"{folder} is not the locator that the films of this run were cropped with: run train fit again"
        )
    return locator


def run_preparation(model_path: Path, run: Run) -> Preparation:
    """How the films of a finished run are prepared.

    Raises:
        DataError: as `locator_of`.
    """
    return preparation_of(run.input_size_px, locator_of(model_path, run))


def _parsed(path: Path) -> Run:
    try:
        content = path.read_bytes()
        digest, sidecar = sha256_of(content), path.with_name(RUN_SHA256)
        changed = sidecar.exists() and sidecar.read_text(encoding="ascii").split()[0] != digest
        raw = json.loads(content)
        calibration = raw["calibration"]
        points = {
            name: OperatingPoint(point["threshold"], Estimate(**point["recall"]), Estimate(**point["specificity"]))
            for name, point in calibration["operating_points"].items()
        }
        raw["calibration"] = Calibration(
            **calibration | {"operating_points": points, "uncertainty_band": tuple(calibration["uncertainty_band"])}
        )
        names = {key: name for name, key in KEYS.items()}
        values = {names.get(key, key): value for key, value in raw.items()}
        stated = raw.get("purpose", {})
        values["purpose"] = Purpose(**stated | {"ages_years": tuple(stated.get("ages_years", ()))})
        return Run(**values | {"labels": tuple(raw["labels"]), "sha256": digest, "changed": changed})
    except (ValueError, KeyError, IndexError, TypeError) as cause:
        raise DataError(f"{path} is damaged: {cause!r}: run train fit again") from cause
