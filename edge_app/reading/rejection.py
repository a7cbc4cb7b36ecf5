"""Is this a film like those that the model learned from, and does it lie as they did?

Two witnesses, both learned when the model was converted and kept in its card:

- the look: one template of 16 x 16 weights. A film is held against it as it lies, after quarter
  turns, mirrored, and with black and white exchanged; a film that fits better some other way lies
  that way.
- the distance: how far the model's pooled features are from those of its training films
  (Mahalanobis, along the strongest directions, with one common spread for the rest).

A film of another hospital may lie far from the training films and still be a film, so distance
alone only warns. What is far away and does not look like a chest film is refused.
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edge_app.errors import BundleError
from edge_app.model.card import ModelCard
from edge_app.reading.pose import pose_refusal

VERSION = 1
LOOK_SIDE_PX = 16
SMALL, PLAIN = "<f2", "<f4"  # how numbers stand in the card, in base64: a bundle must stay small


@dataclass(frozen=True)
class LookLimits:
    """In units of the template's answer. Below the first three a film is refused, below the last two warned of."""

    likeness: float
    sideways: float  # how much better it fits as it lies than turned by a quarter
    upside_down: float  # than turned by a half
    doubtful: float  # likeness below which a far film is refused
    perhaps_upside_down: float
    perhaps_mirrored: float  # than mirrored


@dataclass(frozen=True)
class Look:
    """The template, float (LOOK_SIDE_PX, LOOK_SIDE_PX), with its limits."""

    weights: np.ndarray
    limits: LookLimits


@dataclass(frozen=True)
class FeatureSpace:
    """Where the training films lie among the pooled features.

    `mean` is float (channels,), `directions` (kept, channels), orthonormal, `spread` (kept,) the
    standard deviation along each, `rest` that along every other direction, `limit` the distance from
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
    """Both witnesses of one model."""

    look: Look
    space: FeatureSpace

    def check(self, pixels: np.ndarray, features: np.ndarray) -> tuple[str, ...]:
        """Refuse what is no upright chest film, and name what makes the answer doubtful.

        Args:
            pixels: the model's input, uint8 (side, side).
            features: the model's pooled features of it, float (channels,).
        Returns:
            Warnings: "upside_down", "mirrored", "unusual", in that order.
        Raises:
            FilmRefused: inverted, sideways, upside_down or not_a_chest_film.
        """
        fits, limits = fit_each_way(standardized_look(pixels[None]), self.look.weights)[0], self.look.limits
        likeness, half_turn = fits[0], fits[0] - fits[2]
        if likeness < limits.likeness:
            raise pose_refusal(_best_way(fits, limits.likeness))
        if likeness - max(fits[1], fits[3]) < limits.sideways:
            raise pose_refusal("sideways")
        if half_turn < limits.upside_down:
            raise pose_refusal("upside_down")
        far = bool(self.space.distance(features) > self.space.limit)
        if far and likeness < limits.doubtful:
            raise pose_refusal("not_a_chest_film")
        warnings = {"upside_down": half_turn < limits.perhaps_upside_down}
        warnings |= {"mirrored": likeness - fits[4] < limits.perhaps_mirrored, "unusual": far}
        return tuple(name for name, holds in warnings.items() if holds)

    def to_card(self) -> dict[str, Any]:
        """As it stands in `ModelCard.features`; `rejection_of` reads it back."""
        return {
            "version": VERSION,
            "look": {"weights": _packed(self.look.weights, SMALL), "limits": vars(self.look.limits)},
            "distance": {
                "mean": _packed(self.space.mean, PLAIN),
                "directions": _packed(self.space.directions, SMALL),
                "spread": _packed(self.space.spread, PLAIN),
                "rest": self.space.rest,
                "limit": self.space.limit,
            },
        }


def rejection_of(card: ModelCard) -> Rejection | None:
    """What the card knows of its training films; None when it was made without.

    Raises:
        BundleError: it is damaged.
    """
    if card.features.get("version") != VERSION:
        return None
    try:
        look, distance = card.features["look"], card.features["distance"]
        weights = _unpacked(look["weights"], SMALL).reshape(LOOK_SIDE_PX, LOOK_SIDE_PX)
        mean, spread = (_unpacked(distance[name], PLAIN) for name in ("mean", "spread"))
        directions = _unpacked(distance["directions"], SMALL).reshape(len(spread), len(mean))
        limits = LookLimits(**{name: float(value) for name, value in look["limits"].items()})
        space = FeatureSpace(mean, directions, spread, float(distance["rest"]), float(distance["limit"]))
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise BundleError(f"the card's feature statistics are damaged: {cause!r}: run convert again") from cause
    numbers = np.concatenate([weights.ravel(), mean, spread, directions.ravel(), list(vars(limits).values())])
    if not np.isfinite([*numbers, space.rest, space.limit]).all() or min(spread.min(initial=1), space.rest) <= 0:
        raise BundleError("the card's feature statistics hold no numbers that could be: run convert again")
    return Rejection(Look(weights, limits), space)


def standardized_look(pixels: np.ndarray) -> np.ndarray:
    """Shrink films to the template's size, with mean 0 and spread 1.

    Args:
        pixels: uint8 (films, side, side), the model's input.
    Returns:
        float64 (films, LOOK_SIDE_PX, LOOK_SIDE_PX).
    """
    side = (LOOK_SIDE_PX, LOOK_SIDE_PX)
    small = np.stack([np.asarray(Image.fromarray(film).resize(side, Image.Resampling.BOX)) for film in pixels])
    centred = small - small.mean(axis=(1, 2), keepdims=True)
    looks: np.ndarray = centred / np.maximum(centred.std(axis=(1, 2), keepdims=True), 1e-9)
    return looks


def each_way(looks: np.ndarray) -> np.ndarray:
    """Every film as it lies, after one, two and three quarter turns, and the same four mirrored.

    Args:
        looks: (films, side, side).
    Returns:
        (films, 8, side, side).
    """
    turned = [np.rot90(way, turns, axes=(1, 2)) for way in (looks, looks[:, :, ::-1]) for turns in range(4)]
    return np.stack(turned, axis=1)


def fit_each_way(looks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How well each film fits the template, each way; negative where black and white are exchanged.

    Returns:
        float64 (films, 8), in the order of `each_way`.
    """
    fits: np.ndarray = np.tensordot(each_way(looks), weights, axes=2) / LOOK_SIDE_PX
    return fits


def _best_way(fits: np.ndarray, enough: float) -> str:
    """Why a film that does not fit as it lies does not: the way in which it would."""
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
