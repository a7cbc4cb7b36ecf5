"""What each part of the recipe is worth: every recipe over several seeds, beside the base."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.studies.network_tables import RECIPE_FIGURES, REFERENCE_RECIPE, mean_and_spread, recipes_table
from edge_app.system.files import write_atomically
from train.training.fit import FitOptions, finished
from train.training.recipe import RECIPES, find_recipe

EPOCHS = 20


@dataclass(frozen=True)
class RecipesOptions:
    """What `benchmarks ablation` was asked for."""

    out: Path
    recipes: tuple[str, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    data: str | None = None
    arch: str = "compact"
    teachers: tuple[Path, ...] = ()
    epochs: int = EPOCHS  # fewer than for the model that ships: enough to tell recipes apart


def compare_recipes(options: RecipesOptions) -> dict[str, Any]:
    """Train what is not trained yet, in `OUT/RECIPE-EPOCHS-SEED`, and set every recipe against the base.

    Returns:
        What is written to `recipes.json`: `rows`, one a recipe, with mean and spread on each judge and
        the difference to the base recipe with the same seed.
    Raises:
        DataError: no such recipe, or films that are missing or unfit.
    """
    for name in options.recipes:
        find_recipe(name)
    reference = [_judges(options, REFERENCE_RECIPE, seed) for seed in options.seeds]
    rows = []
    for name in (REFERENCE_RECIPE, *(name for name in options.recipes if name != REFERENCE_RECIPE)):
        runs = [_judges(options, name, seed) for seed in options.seeds]
        rows.append({"recipe": name, "judges": {judge: _against(judge, runs, reference) for judge in runs[0]}})
    compared = {"command": _command(options), "epochs": options.epochs, "seeds": list(options.seeds), "rows": rows}
    write_atomically(options.out / "recipes.json", (json.dumps(compared, indent=1) + "\n").encode())
    write_atomically(options.out / "recipes.md", recipes_table(compared).encode())
    return compared


def _against(judge: str, runs: list[dict[str, Any]], reference: list[dict[str, Any]]) -> dict[str, Any]:
    """One recipe on one judge; `runs` and `reference` are figures by judge, a seed each."""

    def values(of: list[dict[str, Any]], figure: str) -> list[float]:
        return [run[judge][figure]["value"] for run in of]

    return {
        "films": runs[0][judge]["films"],
        "figures": {figure: mean_and_spread(values(runs, figure)) for figure in RECIPE_FIGURES},
        "differences": {
            figure: mean_and_spread(
                [one - other for one, other in zip(values(runs, figure), values(reference, figure), strict=True)]
            )
            for figure in RECIPE_FIGURES
        },
    }


def _command(options: RecipesOptions) -> str:
    """What makes the same table again, but for --data: where films lie is each machine's own."""
    words = ["python", "-m", "benchmarks", "ablation"]
    words += ["--recipes", *options.recipes] if set(options.recipes) != set(RECIPES) else []
    words += ["--seeds", *map(str, options.seeds), "--epochs", str(options.epochs)]
    words += ["--teacher", *map(str, options.teachers)] if options.teachers else []
    return shlex.join(words)


def _judges(options: RecipesOptions, recipe: str, seed: int) -> dict[str, Any]:
    wanted = FitOptions(
        out=options.out / f"{recipe}-{options.epochs}-{seed}",
        data=options.data,
        arch=options.arch,
        teachers=options.teachers,
        epochs=options.epochs,
        seed=seed,
        recipe=recipe,
    )
    judges: dict[str, Any] = finished(wanted, recipe)["judges"]
    return judges
