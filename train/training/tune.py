"""A search for better settings of the compact network with keras-tuner.

keras-tuner supports only Keras 3, and the kit trains in Keras 2. So keras-tuner only proposes settings
and records results: each trial is one `fit` of the kit, scored by its lowest AUC on any evaluation set.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.system.files import write_atomically
from train.data.sources import find_data
from train.networks import ARCHITECTURES, Architecture
from train.training import search_space
from train.training.fit import FitOptions, fit
from train.training.recipe import RECIPES, Recipe

TRIAL = "tune"  # the name of network and recipe while a trial runs
OBJECTIVE = "hardest_judge_auc"


@dataclass(frozen=True)
class TuneOptions:
    """Options of `train tune`."""

    out: Path
    trials: int = 20
    epochs: int = 20  # of each trial: enough to compare settings
    data: str | None = None
    seed: int = 0
    input_size_px: int = ARCHITECTURES["compact"].input_size_px


def tune(options: TuneOptions) -> list[dict[str, Any]]:
    """Search, and write `tune.json`. A killed search continues with the trials that it had.

    Returns:
        The trials, the best first: `score`, the lowest AUC on any evaluation set, and `settings`.
    Raises:
        DataError: keras-tuner is not installed, or the films are missing or unfit.
    """
    try:
        import keras_tuner
    except ImportError as cause:
        raise DataError(f"{cause.name} is missing: pip install 'cxr-edge-kit[train]'") from cause

    find_data(options.data)  # keras-tuner would take missing films for a failed trial, and continue

    class Search(keras_tuner.Tuner):
        """Each trial is a run of `fit`."""

        def run_trial(self, trial: Any, **_: Any) -> dict[str, float]:
            return _trial(options, trial)

    # Declared before the search, because the oracle proposes only what it knows.
    space = keras_tuner.HyperParameters()
    search_space.training(space)
    search_space.network(space, options.input_size_px)
    search = Search(
        keras_tuner.oracles.BayesianOptimizationOracle(
            objective=keras_tuner.Objective(OBJECTIVE, "max"),
            max_trials=options.trials,
            seed=options.seed,
            hyperparameters=space,
        ),
        directory=str(options.out),
        project_name="search",
    )
    search.search(verbose=0)
    trials = [
        {"trial": trial.trial_id, "score": trial.score, "settings": dict(trial.hyperparameters.values)}
        for trial in search.oracle.get_best_trials(options.trials)
    ]
    trials.sort(key=lambda trial: (-trial["score"], trial["trial"]))  # keras-tuner leaves equal scores in any order
    write_atomically(options.out / "tune.json", (json.dumps(trials, indent=1) + "\n").encode())
    return trials


def _trial(options: TuneOptions, trial: Any) -> dict[str, float]:
    """Train with one set of settings; the score is the lowest AUC on any evaluation set."""
    learning_rate, recipe = search_space.training(trial.hyperparameters)
    with _registered(search_space.network(trial.hyperparameters, options.input_size_px), recipe):
        metrics = fit(
            FitOptions(
                out=options.out / f"trial-{trial.trial_id}",
                data=options.data,
                arch=TRIAL,
                recipe=TRIAL,
                epochs=options.epochs,
                learning_rate=learning_rate,
                seed=options.seed,
                resume=True,
            )
        )
    return {OBJECTIVE: min(figures["auc"]["value"] for figures in metrics["judges"].values())}


@contextmanager
def _registered(architecture: Architecture, recipe: Recipe) -> Iterator[None]:
    """Let `fit` find them by name while the trial runs."""
    ARCHITECTURES[TRIAL], RECIPES[TRIAL] = architecture, recipe
    try:
        yield
    finally:
        del ARCHITECTURES[TRIAL], RECIPES[TRIAL]
