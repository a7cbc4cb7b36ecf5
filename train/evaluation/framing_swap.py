"""Validation films on which the framing points the wrong way.

In this data set the lungs of pneumonia fill more of the film than those of normal chests. Here each
film is zoomed about its lungs until they fill the share of the height that those of the film at its
rank in the other class fill. A model that reads the framing fails on these films; one that reads lungs does not.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from edge_app.errors import FilmRefused
from edge_app.model.preparation import Preparation
from train.evaluation.shortcut_swap import swapped_by_rank


def reframed_draw(films: np.ndarray, boxes: np.ndarray, positive: np.ndarray) -> Iterator[np.ndarray]:
    """Give each film the framing of its counterpart in the other class.

    Args:
        films: uint8 (films, side, side), whole films.
        boxes: float (films, 4), the lung fields from `boxes_of`.
        positive: bool (films,), the films of pneumonia.
    Yields:
        uint8 (side, side), film by film. Where a film is zoomed out its edges are continued.
    """
    heights = boxes[:, 3] - boxes[:, 1]
    zooms = swapped_by_rank(heights, positive) / heights
    yield from (_zoomed(*each) for each in zip(films, boxes, zooms, strict=True))


def boxes_of(films: np.ndarray, preparation: Preparation) -> np.ndarray:
    """The lung fields of whole films; where no lungs are found, the whole film.

    Returns:
        float64 (films, 4): left, top, right, bottom as fractions of the film.
    """
    return np.array([_box(film, preparation) for film in films])


def _box(film: np.ndarray, preparation: Preparation) -> tuple[float, float, float, float]:
    try:
        located = preparation.locate(preparation.coverage(preparation.whole(film)), film)
    except FilmRefused:
        located = None
    return located.field.as_fractions(film.shape[1], film.shape[0]) if located else (0.0, 0.0, 1.0, 1.0)


def _zoomed(film: np.ndarray, box: np.ndarray, zoom: float) -> np.ndarray:
    """The film enlarged by `zoom`; the middle of its lungs stays in its place."""
    side = len(film)
    pad = round(side * max(0.0, 1 / zoom - 1)) + 1
    image = Image.fromarray(np.pad(film, pad, mode="edge"))
    left, top = (pad + side * (1 - 1 / zoom) * middle for middle in ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    extent = (left, top, left + side / zoom, top + side / zoom)
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=extent))
