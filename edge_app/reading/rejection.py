"""Refuses pictures that are not upright chest films, and warns of films unlike the training films.

Both checks were learned when the model was converted, and are kept in its card:

- the template: 16 x 16 weights. A film is compared with it as it is, after quarter turns, mirrored, and
  with black and white exchanged. The way in which a film fits best is the way it lies.
- the distance between the model's pooled features and those of its training films (Mahalanobis, along
  the strongest directions, with one common spread for the rest).

A film of another hospital may lie far from the training films and still be a chest film, so distance
alone only warns. A film that is far away and does not fit the template is refused.
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edge_app.errors import BundleError, FilmRefused
from edge_app.model.card import ModelCard

VERSION = 1
TEMPLATE_SIDE_PX = 16
SMALL, PLAIN = "<f2", "<f4"  # number formats in the card, in base64, to keep a bundle small
SENTENCES = {
    "inverted": "Black and white are exchanged: bone must be white. Invert the film and export it.",
    "sideways": "The film lies on its side: turn it so that the head is up.",
    "upside_down": "The film is upside down: turn it so that the head is up.",
    "lungs_cut_off": "The film ends in the middle of the lungs: nothing is scored. Both lungs must be on it, whole.",
    "not_a_chest_film": "This does not look like a frontal chest film: nothing is scored.",
}


def pose_refusal(code: str) -> FilmRefused:
    """The refusal of one of `SENTENCES`."""
    return FilmRefused(code, SENTENCES[code])


@dataclass(frozen=True)
class TemplateLimits:
    """Limits on how well a film fits. Below the first three it is refused, below the last two there is a warning."""

    likeness: float
    sideways: float  # how much better it fits as it is than after a quarter turn
    upside_down: float  # than after a half turn
    doubtful: float  # fit below which a film that is far away is refused
    perhaps_upside_down: float
    perhaps_mirrored: float  # than mirrored


@dataclass(frozen=True)
class Template:
    """The template, float (TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX), with its limits."""

    weights: np.ndarray
    limits: TemplateLimits


@dataclass(frozen=True)
class FeatureSpace:
    """Where the training films lie among the pooled features.

    `mean` is float (channels,), `directions` (kept, channels), orthonormal, `spread` (kept,) the
    standard deviation along each, `rest` that along every other direction, `limit` the distance beyond
    which a film is called unusual.
    """

    mean: np.ndarray
    directions: np.ndarray
    spread: np.ndarray
    rest: float
    limit: float

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Distance of features (..., channels) from the training films; 0 and up."""
        centred = np.asarray(features, dtype=np.float64) - self.mean
        along = centred @ self.directions.T
        outside = np.maximum((centred**2).sum(axis=-1) - (along**2).sum(axis=-1), 0.0)
        distance: np.ndarray = np.sqrt(((along / self.spread) ** 2).sum(axis=-1) + outside / self.rest**2)
        return distance


@dataclass(frozen=True)
class Rejection:
    """Both checks of one model."""

    template: Template
    space: FeatureSpace

    def check_pose(self, whole: np.ndarray) -> tuple[str, ...]:
        """Refuse a picture that is not an upright chest film.

        Args:
            whole: the whole film, uint8 (side, side), from `Preparation.whole`.
        Returns:
            Warnings: "upside_down", "mirrored", in that order.
        Raises:
            FilmRefused: inverted, sideways, upside_down or not_a_chest_film.
        """
        fits, limits = self._fits(whole), self.template.limits
        likeness, half_turn = fits[0], fits[0] - fits[2]
        if likeness < limits.likeness:
            raise pose_refusal(_best_way(fits, limits.likeness))
        if likeness - max(fits[1], fits[3]) < limits.sideways:
            raise pose_refusal("sideways")
        if half_turn < limits.upside_down:
            raise pose_refusal("upside_down")
        warnings = {"upside_down": half_turn < limits.perhaps_upside_down}
        warnings |= {"mirrored": likeness - fits[4] < limits.perhaps_mirrored}
        return tuple(name for name, holds in warnings.items() if holds)

    def check_features(self, whole: np.ndarray, features: np.ndarray) -> tuple[str, ...]:
        """Warn of a film unlike the training films, and refuse it if it hardly fits the template, too.

        Args:
            whole: as for `check_pose`.
            features: the classifier's pooled features, float (channels,).
        Returns:
            Perhaps "unusual".
        Raises:
            FilmRefused: not_a_chest_film.
        """
        if self.space.distance(features) <= self.space.limit:
            return ()
        if self._fits(whole)[0] < self.template.limits.doubtful:
            raise pose_refusal("not_a_chest_film")
        return ("unusual",)

    def _fits(self, whole: np.ndarray) -> np.ndarray:
        fits: np.ndarray = fit_each_way(standardized(whole[None]), self.template.weights)[0]
        return fits

    def to_card(self) -> dict[str, Any]:
        """The value of `ModelCard.features`; `rejection_of` reads it back."""
        return {
            "version": VERSION,
            "look": {"weights": _packed(self.template.weights, SMALL), "limits": vars(self.template.limits)},
            "distance": {
                "mean": _packed(self.space.mean, PLAIN),
                "directions": _packed(self.space.directions, SMALL),
                "spread": _packed(self.space.spread, PLAIN),
                "rest": self.space.rest,
                "limit": self.space.limit,
            },
        }


def rejection_of(card: ModelCard) -> Rejection | None:
    """The checks in a card; None if it has none.

    Raises:
        BundleError: it is damaged.
    """
    if card.features.get("version") != VERSION:
        return None
    try:
        look, distance = card.features["look"], card.features["distance"]
        weights = _unpacked(look["weights"], SMALL).reshape(TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX)
        mean, spread = (_unpacked(distance[name], PLAIN) for name in ("mean", "spread"))
        directions = _unpacked(distance["directions"], SMALL).reshape(len(spread), len(mean))
        limits = TemplateLimits(**{name: float(value) for name, value in look["limits"].items()})
        space = FeatureSpace(mean, directions, spread, float(distance["rest"]), float(distance["limit"]))
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise BundleError(f"the card's feature statistics are damaged: {cause!r}: run convert again") from cause
    numbers = np.concatenate([weights.ravel(), mean, spread, directions.ravel(), list(vars(limits).values())])
    if not np.isfinite([*numbers, space.rest, space.limit]).all() or min(spread.min(initial=1), space.rest) <= 0:
        raise BundleError("the card's feature statistics hold impossible numbers: run convert again")
    return Rejection(Template(weights, limits), space)


def standardized(pixels: np.ndarray) -> np.ndarray:
    """Shrink films to the template's size, with mean 0 and spread 1.

    Args:
        pixels: uint8 (films, side, side), whole films.
    Returns:
        float64 (films, TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX).
    """
    side = (TEMPLATE_SIDE_PX, TEMPLATE_SIDE_PX)
    small = np.stack([np.asarray(Image.fromarray(film).resize(side, Image.Resampling.BOX)) for film in pixels])
    centred = small - small.mean(axis=(1, 2), keepdims=True)
    films: np.ndarray = centred / np.maximum(centred.std(axis=(1, 2), keepdims=True), 1e-9)
    return films


def each_way(films: np.ndarray) -> np.ndarray:
    """Every film as it is, after one, two and three quarter turns, and the same four mirrored.

    Args:
        films: (films, side, side).
    Returns:
        (films, 8, side, side).
    """
    turned = [np.rot90(way, turns, axes=(1, 2)) for way in (films, films[:, :, ::-1]) for turns in range(4)]
    return np.stack(turned, axis=1)


def fit_each_way(films: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How well each film fits the template in each way; negative if black and white are exchanged.

    Returns:
        float64 (films, 8), in the order of `each_way`.
    """
    fits: np.ndarray = np.tensordot(each_way(films), weights, axes=2) / TEMPLATE_SIDE_PX
    return fits


def _best_way(fits: np.ndarray, enough: float) -> str:
    """The code of the refusal, from the way in which the film fits best."""
    turns = fits[:4]
    if max(turns.max(), -turns.min()) < enough:
        return "not_a_chest_film"
    if -turns.min() > turns.max():
        return "inverted"
    return "upside_down" if turns.argmax() == 2 else "sideways"


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def _unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind).astype(np.float64)
