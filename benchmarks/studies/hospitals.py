"""Two drawn hospitals that show why one hospital's films are not enough; `train.data.layouts.phantoms` draws them."""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.system.files import write_atomically
from train.data.layouts.phantoms import SICK, write_hospital
from train.evaluation.evaluate import EvaluateOptions, evaluate
from train.evaluation.run import MODEL
from train.training.fit import FitOptions, fit

LOG = logging.getLogger(__name__)
HELD_OUT_SEED = 7  # draws the children that no network is trained on
TRAINED_ON = (("a",), ("b",), ("a", "b"))


@dataclass(frozen=True)
class HospitalOptions:
    """Options of `benchmarks hospitals`."""

    out: Path  # folder for the films, the runs and the figures
    arch: str = "compact"
    films: int = 60  # per class and hospital, to train on; as many are held out
    epochs: int = 24  # at most
    recipe: str = "no-augmentation"
    batch_size: int = 16  # films


def compare_hospitals(options: HospitalOptions) -> list[dict[str, Any]]:
    """Train at A, at B and at both, and score each on other children of A and of B.

    Returns:
        One row per network: `trained_on`, `at` (the AUC for pneumonia by hospital) and `recipe`.
    """
    held_out = {}
    for hospital in SICK:
        write_hospital(options.out / hospital, hospital, options.films)
        held_out[hospital] = options.out / f"{hospital}-held-out"
        write_hospital(held_out[hospital], hospital, options.films, HELD_OUT_SEED)
    rows = []
    for trained_on in TRAINED_ON:
        run = _trained(options, trained_on)
        at = {site: evaluate(EvaluateOptions(run / MODEL, str(films)))["auc"] for site, films in held_out.items()}
        rows.append({"trained_on": " and ".join(trained_on), "at": at, "recipe": options.recipe})
    content = {"arch": options.arch, "films": options.films, "epochs": options.epochs, "rows": rows}
    write_atomically(options.out / "hospitals.json", (json.dumps(content, indent=1) + "\n").encode())
    return rows


def _trained(options: HospitalOptions, hospitals: Sequence[str]) -> Path:
    run = options.out / f"run-{'-'.join(hospitals)}"
    shutil.rmtree(run, ignore_errors=True)
    LOG.info("training at %s", " and ".join(hospitals))
    fit(
        FitOptions(
            out=run,
            data=tuple(str(options.out / hospital) for hospital in hospitals),
            arch=options.arch,
            epochs=options.epochs,
            recipe=options.recipe,
            batch_size=options.batch_size,
        )
    )
    return run
