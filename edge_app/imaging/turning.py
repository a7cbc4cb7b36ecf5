"""A film as somebody turned or cropped it on the screen, because it was refused as it came."""

from dataclasses import dataclass, replace

import numpy as np

from edge_app.imaging.formats.base import Film, check_size


@dataclass(frozen=True)
class Turning:
    """What is done to a film, in this order.

    Cut to `crop` (left, top, right, bottom as fractions 0..1 of the film), mirrored left to right if `flip`, turned
    clockwise by `turns` quarters (0 to 3), inverted.
    """

    turns: int = 0
    flip: bool = False
    invert: bool = False
    crop: tuple[float, float, float, float] | None = None

    def apply(self, film: Film) -> Film:
        """The film with its pixels turned. It no longer goes back to an archive: it is not what came from there.

        Raises:
            FilmRefused: too little of it is left.
        """
        left, top, right, bottom = self.crop or (0.0, 0.0, 1.0, 1.0)
        height, width = film.pixels.shape
        pixels = film.pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
        check_size(*pixels.shape[::-1])
        pixels = pixels[:, ::-1] if self.flip else pixels
        pixels = np.rot90(pixels, -self.turns)
        pixels = 255 - pixels if self.invert else pixels
        return replace(film, pixels=np.ascontiguousarray(pixels), dicom_origin=None)
