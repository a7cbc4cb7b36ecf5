"""Statistics for the card that let the device refuse what is not a chest film, learned from the training films.

The template learns in which of 16 ways a training film lies: four quarter turns, mirrored or not,
black and white exchanged or not. Only one set of 256 weights is learned, and turned along with the
film, so no way is favoured. It also sees every film as another department would have made it
(`train.data.augment`): without that, one redrawn film in 25 was refused.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from edge_app.errors import FilmRefused
from edge_app.reading.rejection import (
    SMALL,
    TEMPLATE_SIDE_PX,
    FeatureSpace,
    Rejection,
    Template,
    TemplateLimits,
    each_way,
    fit_each_way,
    standardized,
)

STEPS = 400
STEP_SIZE = 1.0
MOMENTUM = 0.95
DECAY = 1e-3 / TEMPLATE_SIDE_PX**2
DIRECTIONS = 16
# Shares of validation films beyond each limit of a warning; the three kinds together are under 1%.
UNUSUAL_SHARE, MIRRORED_SHARE, UPSIDE_DOWN_SHARE = 0.003, 0.001, 0.001
DOUBTFUL_SHARE = 0.005
# The limit of a refusal: leave out the worst share of the films, because some are mislabelled, then go further
# than the worst that remains by a share of its distance from the median.
ASIDE, BEYOND = 0.0005, 0.1


def measure(
    template: Template, training_features: np.ndarray, validation_pixels: np.ndarray, validation_features: np.ndarray
) -> dict[str, Any]:
    """Learn how far off features may be, and count what both checks refuse among the validation films.

    Args:
        template: from `learn_template`; the same for every file of one model.
        training_features: float (films, channels), computed by the file that is shipped.
        validation_pixels: uint8 (films, side, side), the whole films, from `Preparation.whole`.
    Returns:
        `ModelCard.features`; the counts of the validation films are under "validation".
    """
    found = Rejection(template, learn_space(training_features, validation_features))
    outcomes = [_outcome(found, *film) for film in zip(validation_pixels, validation_features, strict=True)]
    shares = {name: outcomes.count(name) / len(outcomes) for name in ("refused", "warned")}
    return found.to_card() | {"validation": {"films": len(outcomes)} | shares}


def learn_template(training_pixels: np.ndarray, validation_pixels: np.ndarray) -> Template:
    """The template with its limits.

    Args:
        training_pixels, validation_pixels: uint8 (any number, side, side), whole films, as they are and redrawn.
    """
    training, validation = standardized(training_pixels), standardized(validation_pixels)
    weights = learn_weights(training)
    return Template(weights, template_limits(fit_each_way(training, weights), fit_each_way(validation, weights)))


def learn_weights(films: np.ndarray) -> np.ndarray:
    """The weights with which upright films fit best.

    Multinomial logistic regression over the 16 ways, by gradient descent with momentum.

    Args:
        films: float (films, TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX), from `standardized`.
    Returns:
        float16 (TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX).
    """
    ways = each_way(films).astype(np.float32).reshape(len(films), 8, -1) / TEMPLATE_SIDE_PX
    weights = np.zeros(ways.shape[-1], dtype=np.float32)
    speed = np.zeros_like(weights)
    for _ in range(STEPS):
        fits = ways @ weights
        fits = np.concatenate([fits, -fits], axis=1)  # black and white exchanged
        shares = np.exp(fits - fits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        wrong = shares[:, :8] - shares[:, 8:]
        wrong[:, 0] -= 1
        slope = np.tensordot(wrong, ways, axes=2) / len(films) + DECAY * weights
        speed = MOMENTUM * speed - STEP_SIZE * slope
        weights = weights + speed
    # Rounded now, so that the limits fit the weights as they are stored.
    return weights.reshape(TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX).astype(SMALL)


def template_limits(training: np.ndarray, validation: np.ndarray) -> TemplateLimits:
    """Limits from how well upright films fit, (films, 8) each, from `fit_each_way`."""
    both = np.concatenate([training, validation])
    return TemplateLimits(
        likeness=_beyond(both[:, 0]),
        sideways=_beyond(both[:, 0] - both[:, [1, 3]].max(axis=1)),
        upside_down=_beyond(both[:, 0] - both[:, 2]),
        doubtful=float(np.quantile(validation[:, 0], DOUBTFUL_SHARE)),
        perhaps_upside_down=float(np.quantile(both[:, 0] - both[:, 2], UPSIDE_DOWN_SHARE)),
        perhaps_mirrored=float(np.quantile(both[:, 0] - both[:, 4], MIRRORED_SHARE)),
    )


def learn_space(training: np.ndarray, validation: np.ndarray) -> FeatureSpace:
    """Mean, strongest directions and spread of the training films' features; the limit from validation."""
    training = training.astype(np.float64)
    mean = training.mean(axis=0)
    _, lengths, directions = np.linalg.svd(training - mean, full_matrices=False)
    spread = lengths / np.sqrt(max(len(training) - 1, 1))
    floor = max(1e-3 * float(spread.max(initial=0.0)), 1e-3)  # a constant channel says nothing
    kept = min(DIRECTIONS, len(spread))
    rest = float(np.sqrt((spread[kept:] ** 2).mean())) if len(spread) > kept else floor
    rounded = directions[:kept].astype(SMALL).astype(np.float64)
    space = FeatureSpace(mean, rounded, np.maximum(spread[:kept], floor), max(rest, floor), limit=0.0)
    return replace(space, limit=float(np.quantile(space.distance(validation), 1 - UNUSUAL_SHARE)))


def _beyond(values: np.ndarray) -> float:
    worst = float(np.quantile(values, ASIDE))
    return worst - BEYOND * (float(np.median(values)) - worst)


def _outcome(found: Rejection, film: np.ndarray, features: np.ndarray) -> str:
    try:
        return "warned" if found.check_pose(film) + found.check_features(film, features) else "passed"
    except FilmRefused:
        return "refused"
