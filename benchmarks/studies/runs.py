"""What studies of several trainings share: runs that are trained only once."""

import json
import logging
from dataclasses import replace
from typing import Any

from train.training import checkpoint
from train.training.fit import METRICS, FitOptions, fit

LOG = logging.getLogger(__name__)


def finished_run(options: FitOptions) -> dict[str, Any]:
    """The metrics of a run. It is trained only if it is not finished; an interrupted one is resumed.

    Raises:
        DataError: as `fit`.
    """
    path = options.out / METRICS
    if not path.exists():
        LOG.info("training %s by recipe %s with seed %d in %s", options.arch, options.recipe, options.seed, options.out)
        interrupted = (options.out / checkpoint.FOLDER / checkpoint.LAST).exists()
        fit(replace(options, resume=interrupted, overwrite=True))
    metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metrics
