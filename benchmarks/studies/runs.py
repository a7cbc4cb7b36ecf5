"""What studies of several trainings share: runs that are trained only once, and the command to repeat a study."""

import json
import logging
import shlex
from collections.abc import Iterable
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


def command_line(study: str, flags: dict[str, Iterable[Any] | bool]) -> str:
    """The command that makes the same table again.

    Args:
        flags: name to values, or to True for one without values; those without any are left out.
    """
    words = ["python", "-m", "benchmarks", study]
    for name, given in flags.items():
        values = [] if isinstance(given, bool) else [str(value) for value in given]
        words += [f"--{name}", *values] if values or given is True else []
    return shlex.join(words)
