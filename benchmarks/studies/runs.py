"""What studies of several trainings share: runs that are trained only once."""

import logging
from dataclasses import replace
from typing import Any

from edge_app.errors import DataError
from train.data.purpose import Purpose
from train.data.sources import find_data
from train.training import checkpoint
from train.training.fit import FitOptions, fit, is_finished, noted_settings

LOG = logging.getLogger(__name__)


def finished_run(options: FitOptions) -> dict[str, Any]:
    """The metrics of a run. It is trained only if it is not finished; an interrupted one is resumed.

    Raises:
        DataError: as `fit`; or the folder holds a run of other films or settings.
    """
    begun = is_finished(options.out) or (options.out / checkpoint.FOLDER / checkpoint.LAST).exists()
    if begun:  # whom a run is for changes nothing in its figures
        noted = noted_settings(options.out)
        purpose = Purpose(tuple(noted.get("ages", ())), noted.get("population", ""), noted.get("intended-use", ""))
        options = replace(options, purpose=purpose)
    else:
        LOG.info("training %s by recipe %s with seed %d in %s", options.arch, options.recipe, options.seed, options.out)
    metrics = fit(replace(options, resume=begun, overwrite=True))
    if metrics["data"] != (name := find_data(options.data).name):
        raise DataError(f"{options.out} was trained on {metrics['data']}, not on {name}: give another --out")
    return metrics
