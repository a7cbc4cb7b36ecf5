"""The locator: the small network that finds the lungs before the classifier reads them."""

from typing import Any

import numpy as np

from edge_app.errors import BundleError
from edge_app.imaging.lung_field import LARGEST_GRID, SMALLEST_GRID, lung_coverage
from edge_app.imaging.preprocess import to_model_pixels
from edge_app.model.runtimes.base import Runtime
from edge_app.model.runtimes.interpreter import LoadedNetwork, dequantized
from edge_app.system.files import sha256_of


class Locator:
    """A locator in one runtime."""

    def __init__(self, model: bytes, runtime: Runtime, threads: int = 1) -> None:
        """Load a locator.

        Args:
            model, runtime, threads: as for `LoadedNetwork`.
        Raises:
            BundleError: the runtime refuses the file, or it is no locator.
        """
        self.sha256 = sha256_of(model)
        self.runtime = runtime
        self._network = LoadedNetwork(model, runtime, threads)
        self._output = _mask_output(self._network.outputs())

    @property
    def input_size_px(self) -> int:
        """Side of the square input."""
        return self._network.input_size_px

    def view(self, film: np.ndarray) -> np.ndarray:
        """The whole film as the locator sees it.

        Args:
            film: uint8, shape (height, width), bright is dense.
        Returns:
            uint8, shape (input_size_px, input_size_px).
        """
        return to_model_pixels(film, self.input_size_px)

    def logits(self, view: np.ndarray) -> np.ndarray:
        """The network's output for a film.

        Args:
            view: uint8, from `view`.
        Returns:
            float32, shape (rows, columns); above 0 is lung.
        """
        (raw,) = self._network.run(view, [self._output])
        return dequantized(raw, self._output)[..., 0]

    def coverage(self, view: np.ndarray) -> np.ndarray:
        """How much of each cell of the film is lung, uint8 (rows, columns), 0 to `lung_field.FULL`."""
        return lung_coverage(self.logits(view))


def _mask_output(details: list[dict[str, Any]]) -> dict[str, Any]:
    shapes = [tuple(int(side) for side in detail["shape"]) for detail in details]
    is_mask = len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][0] == shapes[0][3] == 1
    if is_mask and all(SMALLEST_GRID <= side <= LARGEST_GRID for side in shapes[0][1:3]):
        return details[0]
    raise BundleError(
        f"the locator's outputs are {shapes}, expected one of (1, N, N, 1): use one that convert made of train locator"
    )
