"""A film as somebody turned it on the screen, because it was refused as it came."""

from dataclasses import dataclass, replace

import numpy as np

from edge_app.imaging.formats.base import Film


@dataclass(frozen=True)
class Turning:
    """First mirrored left to right if `flip`, then turned clockwise by `turns` quarters (0 to 3), then inverted."""

    turns: int = 0
    flip: bool = False
    invert: bool = False

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return self != AS_IT_CAME

    def apply(self, film: Film) -> Film:
        """The film with its pixels turned. It no longer goes back to an archive: it is not what came from there."""
        if not self:
            return film
        pixels = film.pixels[:, ::-1] if self.flip else film.pixels
        pixels = np.rot90(pixels, -self.turns)
        pixels = 255 - pixels if self.invert else pixels
        return replace(film, pixels=np.ascontiguousarray(pixels), dicom_origin=None)


AS_IT_CAME = Turning()
