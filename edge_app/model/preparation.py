"""From a decoded film to the classifier's input. Training and the device both call this, so they agree.

A model of preprocessing `lung-field` comes with a locator: the film is cropped to its lung field, then
squashed and stretched. A model of preprocessing `squash-stretch` sees the whole film.
"""

from dataclasses import dataclass

import numpy as np

from edge_app.errors import FilmRefused
from edge_app.imaging.lung_field import LungField, are_cut_off, crop, is_unsure, lung_field
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.locator import Locator

MIN_SIDE_PX = 256
NO_LUNGS = "No lungs were found: nothing is scored. Check that the film is a frontal chest film that shows both lungs."


@dataclass(frozen=True)
class Located:
    """Where the lungs are. `cut_off` says that they reach an edge of the film, `unsure` that the locator is."""

    field: LungField
    cut_off: bool = False
    unsure: bool = False


class Preparation:
    """How one model's films are prepared."""

    def __init__(self, size_px: int, locator: Locator | None = None) -> None:
        """Describe a preparation.

        Args:
            size_px: side of the classifier's input.
            locator: None for a model that sees the whole film.
        """
        self.size_px = size_px
        self.locator = locator
        # A film may be decoded at a reduced scale, but not with a shorter side than this; training films have 224.
        self.min_side_px = max(2 * size_px, MIN_SIDE_PX)

    def whole(self, film: np.ndarray) -> np.ndarray:
        """The whole film, squashed to a small square and stretched: what the locator and the pose checks see.

        Args:
            film: uint8, shape (height, width), bright is dense.
        Returns:
            uint8, shape (side, side).
        """
        return self.locator.view(film) if self.locator else to_model_pixels(film, self.size_px)

    def coverage(self, whole: np.ndarray) -> np.ndarray | None:
        """How much of each cell of the film is lung, as `Locator.coverage`.

        Args:
            whole: uint8, from `whole`.
        Returns:
            None for a model that sees the whole film.
        """
        return self.locator.coverage(whole) if self.locator else None

    def locate(self, coverage: np.ndarray | None, film: np.ndarray) -> Located | None:
        """Find the lungs.

        Args:
            coverage: from `coverage`.
        Returns:
            None for a model that sees the whole film.
        Raises:
            FilmRefused: no_lungs.
        """
        if coverage is None:
            return None
        height_px, width_px = film.shape
        field = lung_field(coverage, width_px, height_px)
        if field is None:
            raise FilmRefused("no_lungs", NO_LUNGS)
        return Located(field, are_cut_off(coverage), is_unsure(coverage))

    def pixels(self, film: np.ndarray, whole: np.ndarray, located: Located | None) -> np.ndarray:
        """The classifier's input, uint8 (size_px, size_px)."""
        return to_model_pixels(crop(film, located.field), self.size_px) if located else whole

    def prepare(self, film: np.ndarray) -> tuple[np.ndarray, Located | None]:
        """All steps: the classifier's input, and where the lungs are.

        Args:
            film: uint8, shape (height, width), bright is dense.
        Raises:
            FilmRefused: no_lungs.
        """
        whole = self.whole(film)
        located = self.locate(self.coverage(whole), film)
        return self.pixels(film, whole, located), located
