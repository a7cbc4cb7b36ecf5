"""From whole films to the classifier's input: the locator's part of the way, in each runtime."""

from dataclasses import dataclass

import numpy as np

from convert.inference.isolated import locate_isolated
from edge_app.imaging.lung_field import LungField, lung_coverage, lung_field
from train.data.loading import LoadedFilms
from train.data.locator_files import LocatorFiles
from train.data.whole_films import cropped, views_of


@dataclass(frozen=True)
class Chain:
    """The films of a gate, before and after the locator.

    `views` is uint8 (films, side, side), the whole films as the locator sees them, `sizes` the (width,
    height) in pixels of each.
    """

    locator: LocatorFiles
    films: LoadedFilms
    views: np.ndarray
    sizes: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, films: LoadedFilms, locator: LocatorFiles) -> "Chain":
        """Read the films once more, whole."""
        views, sizes = views_of(films, locator.input_size_px)
        return cls(locator, films, views, tuple(sizes))

    def fields(self, package: str, in_float: bool = False) -> list[LungField | None]:
        """The lung field of each film.

        Args:
            package: the runtime; the locator runs in a child process.
            in_float: by the float locator.
        """
        network = self.locator.float32 if in_float else self.locator.int8
        return fields_of(locate_isolated(network, self.views, package), self.sizes)

    def pixels(self, package: str, in_float: bool = False) -> np.ndarray:
        """The classifier's input, uint8 (films, size, size); a film without a field is shown whole."""
        return cropped(self.films, self.fields(package, in_float), self.films.pixels.shape[1])


def fields_of(logits: np.ndarray, sizes: tuple[tuple[int, int], ...]) -> list[LungField | None]:
    """Lung fields from a locator's logits, float (films, rows, columns)."""
    return [lung_field(lung_coverage(one), *size) for one, size in zip(logits, sizes, strict=True)]
