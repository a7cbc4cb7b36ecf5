"""What each part of the training recipe is worth: every recipe over several seeds, compared with the base recipe."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.studies.network_tables import RECIPE_FIGURES, REFERENCE_RECIPE, mean_and_spread, recipes_page
from benchmarks.studies.runs import finished_run
from edge_app.system.files import write_atomically
from train.training.fit import FitOptions
from train.training.recipe import find_recipe

EPOCHS = 20


@dataclass(frozen=True)
class RecipesOptions:
    """Options of `benchmarks ablation`."""

    out: Path  # folder for the runs and the tables
    recipes: tuple[str, ...]  # names from `train.training.recipe.RECIPES`
    seeds: tuple[int, ...] = (0, 1, 2)
    data: str | None = None  # None as for `train fit`
    arch: str = "compact"
    teachers: tuple[Path, ...] = ()  # float models of finished runs
    epochs: int = EPOCHS  # at most; fewer than for the model that ships, but enough to tell recipes apart
    command: str = ""  # that repeats the study


def compare_recipes(options: RecipesOptions) -> dict[str, Any]:
    """Train what is not trained yet, in `OUT/RECIPE-EPOCHS-SEED`, and compare every recipe with the base.

    Returns:
        What is written to `recipes.json`: `rows`, one per recipe, with mean and spread on each evaluation
        set, and the difference to the base recipe with the same seed.
    Raises:
        DataError: no such recipe, or films that are missing or unfit.
    """
    for name in options.recipes:
        find_recipe(name)
    found = [_metrics(options, REFERENCE_RECIPE, seed) for seed in options.seeds]
    reference = [metrics["judges"] for metrics in found]
    rows = []
    for name in (REFERENCE_RECIPE, *(name for name in options.recipes if name != REFERENCE_RECIPE)):
        runs = [_metrics(options, name, seed)["judges"] for seed in options.seeds]
        rows.append({"recipe": name, "judges": {one: _against(one, runs, reference) for one in runs[0]}})
    compared = {
        "command": options.command,
        "phantom": any(metrics.get("phantom") for metrics in found),
        "epochs": options.epochs,
        "seeds": list(options.seeds),
        "rows": rows,
    }
    write_atomically(options.out / "recipes.json", (json.dumps(compared, indent=1) + "\n").encode())
    write_atomically(options.out / "recipes.md", recipes_page(compared).encode())
    return compared


def _against(evaluation_set: str, runs: list[dict[str, Any]], reference: list[dict[str, Any]]) -> dict[str, Any]:
    """One recipe on one evaluation set; `runs` and `reference` are figures by evaluation set, one per seed."""

    def values(of: list[dict[str, Any]], figure: str) -> list[float]:
        return [run[evaluation_set][figure]["value"] for run in of]

    return {
        "films": runs[0][evaluation_set]["films"],
        "figures": {figure: mean_and_spread(values(runs, figure)) for figure in RECIPE_FIGURES},
        "differences": {
            figure: mean_and_spread(
                [one - other for one, other in zip(values(runs, figure), values(reference, figure), strict=True)]
            )
            for figure in RECIPE_FIGURES
        },
    }


def _metrics(options: RecipesOptions, recipe: str, seed: int) -> dict[str, Any]:
    """One run's metrics."""
    wanted = FitOptions(
        out=options.out / f"{recipe}-{options.epochs}-{seed}",
        data=options.data,
        arch=options.arch,
        teachers=options.teachers,
        epochs=options.epochs,
        seed=seed,
        recipe=recipe,
    )
    return finished_run(wanted)
