"""A search for better settings of the compact network with keras-tuner.

keras-tuner supports only Keras 3, and the kit trains in Keras 2. So keras-tuner only proposes settings
and records results: each trial is one `fit` of the kit, scored by its lowest AUC on any evaluation set.
What may change, and in which range, stands in `proposal`.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.system.files import write_atomically
from edge_app.system.result_folder import claim
from train.data.sources import find_data
from train.evaluation.run import RUN
from train.training.checkpoint import FOLDER, LAST
from train.training.config import command_of
from train.training.fit import fit
from train.training.plan import FitOptions

OBJECTIVE = "hardest_judge_auc"
RECORD = "tune.json"


@dataclass(frozen=True)
class TuneOptions:
    """Options of `train tune`."""

    out: Path
    trials: int = 20
    epochs: int = 20  # of each trial: enough to compare settings
    data: str | None = None
    seed: int = 0
    input_size_px: int = 0  # of the network; 0 for its own
    negative: str = ""  # the class without the finding; empty for the one whose name says so
    patients: str = ""  # rule that tells the patient; empty to guess it
    resume: bool = False  # continue a killed search
    overwrite: bool = False  # replace what `out` holds


def proposal(hp: Any, options: TuneOptions) -> FitOptions:
    """One trial's training; channels stay multiples of 16, as int8 kernels need.

    Args:
        hp: keras_tuner.HyperParameters; asking for a value also declares its range.
    """
    inner = hp.Choice("inner_channels", [16, 32])
    stages = (
        (32, 16, hp.Int("blocks_1", 0, 1)),
        (64, inner, hp.Int("blocks_2", 0, 2)),
        (hp.Choice("last_channels", [64, 96, 128]), inner, hp.Int("blocks_3", 1, 4)),
    )
    ranges = {"label_smoothing": [0.0, 0.05, 0.1], "mixup": [0.0, 0.2], "averaging": [0.0, 0.99, 0.998]}
    return FitOptions(
        out=options.out,
        data=options.data,
        learning_rate=float(hp.Float("learning_rate", 5e-4, 5e-3, sampling="log")),
        recipe_changes=tuple(f"{name}={hp.Choice(name, values)}" for name, values in ranges.items()),
        stages=tuple(",".join(map(str, stage)) for stage in stages),
        input_size_px=options.input_size_px,
        seed=options.seed,
        negative=options.negative,
        patients=options.patients,
    )


def tune(options: TuneOptions) -> list[dict[str, Any]]:
    """Search, and write `tune.json`.

    Returns:
        The trials, the best first: `score`, the lowest AUC on any evaluation set, `settings`, and `command`, which
        trains with them to the end.
    Raises:
        DataError: keras-tuner is not installed, the films are missing or unfit, or `out` holds something.
    """
    try:
        import keras_tuner
    except ImportError as cause:
        raise DataError(f"{cause.name} is missing: pip install 'cxr-edge-kit[train]'") from cause

    if not options.resume:
        claim(options.out, options.overwrite)
    # keras-tuner would take missing films for a failed trial, and continue.
    find_data(options.data, negative=options.negative, patients=options.patients)

    class Search(keras_tuner.Tuner):
        """Each trial is a run of `fit`."""

        def run_trial(self, trial: Any, **_: Any) -> dict[str, float]:
            return _trial(options, trial)

    # Declared before the search, because the oracle proposes only what it knows.
    space = keras_tuner.HyperParameters()
    proposal(space, options)
    search = Search(
        keras_tuner.oracles.BayesianOptimizationOracle(
            objective=keras_tuner.Objective(OBJECTIVE, "max"),
            max_trials=options.trials,
            seed=options.seed,
            hyperparameters=space,
        ),
        directory=str(options.out),
        project_name="search",
        overwrite=not options.resume,
    )
    search.search(verbose=0)
    trials = [
        {
            "trial": trial.trial_id,
            "score": trial.score,
            "settings": dict(trial.hyperparameters.values),
            "command": command_of(replace(proposal(trial.hyperparameters, options), out=options.out / "best")),
        }
        for trial in search.oracle.get_best_trials(options.trials)
    ]
    trials.sort(key=lambda trial: (-trial["score"], trial["trial"]))  # keras-tuner leaves equal scores in any order
    write_atomically(options.out / RECORD, (json.dumps(trials, indent=1) + "\n").encode())
    return trials


def _trial(options: TuneOptions, trial: Any) -> dict[str, float]:
    """Train with one set of settings; the score is the lowest AUC on any evaluation set."""
    out = options.out / f"trial-{trial.trial_id}"
    wanted = replace(proposal(trial.hyperparameters, options), out=out, epochs=options.epochs)
    started = (out / RUN).exists() or (out / FOLDER / LAST).exists()
    metrics = fit(replace(wanted, resume=options.resume and started, overwrite=True))
    return {OBJECTIVE: min(figures["auc"]["value"] for figures in metrics["judges"].values())}
