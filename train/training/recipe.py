"""How the network is trained: its augmentation, softened targets and averaged weights.

Every recipe changes one thing in `BASE`, so that `python -m benchmarks ablation` shows what each thing is
worth. `SHIPPED` names the best one, which trained the network that ships.
"""

import json
from dataclasses import dataclass, replace

from edge_app.errors import DataError
from train.data.augment import TRAINING, AugmentationRanges


@dataclass(frozen=True)
class Recipe:
    """One way of training. The schedule does not depend on it."""

    augmentation: AugmentationRanges = TRAINING
    label_smoothing: float = 0.05
    mixup: float = 0.0  # alpha of the Beta distribution (Zhang et al., arXiv:1710.09412); 0 is none
    averaging: float = 0.998  # decay per step of the average of the weights; 0 is none
    teacher_share: float = 0.5  # of the target that comes from teachers, where there are any
    weigh_classes: bool = True  # every class counts the same
    weigh_series: bool = False  # and so does every series of file names in a class, such as `IM-` and `NORMAL2-IM-`


BASE = Recipe()
HALF_GEOMETRY = replace(TRAINING, rotation_deg=6.0, shear=0.04, zoom=0.075, shift=0.03)
RECIPES = {
    "base": BASE,
    "no-augmentation": replace(BASE, augmentation=TRAINING.none()),
    "no-blur": replace(BASE, augmentation=replace(TRAINING, blur_px=0.0, sharpening=0.0)),
    "no-aspect": replace(BASE, augmentation=replace(TRAINING, aspect=0.0)),
    "half-geometry": replace(BASE, augmentation=HALF_GEOMETRY),
    "half-geometry-no-flip": replace(BASE, augmentation=replace(HALF_GEOMETRY, flip=False)),
    "no-geometry": replace(
        BASE, augmentation=replace(TRAINING, rotation_deg=0.0, shear=0.0, zoom=0.0, shift=0.0, flip=False)
    ),
    "no-flip": replace(BASE, augmentation=replace(TRAINING, flip=False)),
    "no-exposure": replace(BASE, augmentation=replace(TRAINING, gamma=0.0, contrast=0.0, brightness=0.0, noise=0.0)),
    "no-borders": replace(BASE, augmentation=replace(TRAINING, border=0.0, patches=0)),
    "no-smoothing": replace(BASE, label_smoothing=0.0),
    "no-averaging": replace(BASE, averaging=0.0),
    "no-class-weights": replace(BASE, weigh_classes=False),
    "weigh-series": replace(BASE, weigh_series=True),
    "no-teacher": replace(BASE, teacher_share=0.0),
    "more-teacher": replace(BASE, teacher_share=0.9),
    "mixup": replace(BASE, mixup=0.2),
}
SHIPPED = "half-geometry"


def find_recipe(name: str) -> Recipe:
    """Look up `--recipe`.

    Raises:
        DataError: there is no such recipe.
    """
    if name not in RECIPES:
        raise DataError(f"there is no recipe {name!r}; the kit has {', '.join(RECIPES)}")
    return RECIPES[name]


def with_changes(recipe: Recipe, changes: tuple[str, ...]) -> Recipe:
    """The recipe with single values changed.

    Args:
        changes: `NAME=VALUE` each, as in `mixup=0.2`; not of the augmentation.
    Raises:
        DataError: a recipe has no such value, or it is no number of that kind.
    """
    known = {name: value for name, value in vars(recipe).items() if name != "augmentation"}
    for word in changes:
        name, _, text = word.partition("=")
        try:
            value = {"true": True, "false": False}[text] if isinstance(known[name], bool) else float(text)
            if not 0 <= value <= 1:
                raise ValueError("out of range")
        except (KeyError, ValueError) as cause:
            shown = ", ".join(f"{name}={json.dumps(value)}" for name, value in known.items())
            raise DataError(f"a recipe cannot be changed to {word!r}: it has {shown}, numbers from 0 to 1") from cause
        recipe = Recipe(**vars(recipe) | {name: value})
    return recipe
