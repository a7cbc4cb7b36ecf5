import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.ablation import RecipesOptions, compare_recipes
from benchmarks.studies.network_tables import recipes_page, recipes_table
from edge_app.commandline import set_up_logging
from edge_app.errors import DataError
from edge_app.imaging.phantom import write_phantom_set
from train.training.batches import series_weights
from train.training.recipe import BASE, RECIPES


def test_every_recipe_changes_one_thing_of_the_base() -> None:
    for name, recipe in RECIPES.items():
        changed = [
            field.name
            for field in dataclasses.fields(recipe)
            if getattr(recipe, field.name) != getattr(BASE, field.name)
        ]
        assert len(changed) == (name != "base"), name


def test_every_series_of_a_class_counts_the_same() -> None:
    series = np.array(["IM-", "IM-", "IM-", "NORMAL2-IM-", "person", "person"])
    weights = series_weights(series, np.array([0, 0, 0, 0, 1, 1]))
    assert weights.tolist() == [0.5, 0.5, 0.5, 1.5, 1.5, 1.5]


@pytest.mark.slow
def test_recipes_are_compared_with_the_base_and_not_trained_twice(tmp_path: Path, capsys) -> None:
    set_up_logging("benchmarks")
    write_phantom_set(tmp_path / "films", films_per_class=12)
    options = RecipesOptions(tmp_path / "runs", ("mixup",), (0,), str(tmp_path / "films"), arch="tiny", epochs=1)
    compared = compare_recipes(options)
    assert capsys.readouterr().err.count("benchmarks: training") == 2
    assert compare_recipes(options) == compared
    assert "benchmarks: training" not in capsys.readouterr().err
    base, mixup = compared["rows"]
    assert (base["recipe"], mixup["recipe"]) == ("base", "mixup")
    for name, found in mixup["judges"].items():
        by_hand = found["figures"]["auc"]["mean"] - base["judges"][name]["figures"]["auc"]["mean"]
        assert found["differences"]["auc"]["mean"] == pytest.approx(by_hand)
    assert "±" not in recipes_page(compared), "one seed has no spread"
    assert "± 0.0000" in recipes_page(compared | {"seeds": [0, 1]})
    assert [line.split(" | ")[0] for line in recipes_table(compared, "auc").splitlines()[2:4]] == ["| base", "| mixup"]
    assert recipes_page(compared).count("| mixup |") == 2  # AUC, and three classes
    write_phantom_set(tmp_path / "others", films_per_class=12, seed=1)
    with pytest.raises(DataError, match="was trained on films, not on others"):
        compare_recipes(dataclasses.replace(options, data=str(tmp_path / "others")))
    with pytest.raises(DataError, match="was trained with --teacher left out"):
        compare_recipes(dataclasses.replace(options, teachers=(tmp_path / "teacher.keras",)))
    compare_recipes(dataclasses.replace(options, epochs=2))
    assert capsys.readouterr().err.count("benchmarks: training") == 2


def test_an_unknown_recipe_is_named_before_any_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no-such"):
        compare_recipes(RecipesOptions(tmp_path, ("no-such",)))
