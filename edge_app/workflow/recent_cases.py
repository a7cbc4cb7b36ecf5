"""The shelf: what the kiosk read lately, in memory only. It is gone when the kiosk stops."""

import io
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from edge_app.imaging.formats.base import DicomOrigin
from edge_app.imaging.heatmap import overlay_layer
from edge_app.records.database import Review

MAX_SLIPS = 100  # some 150 kB each
SCREEN_SIDE_PX = 1024
JPEG_QUALITY = 88


@dataclass(frozen=True)
class Slip:
    """What one film gave, as the page shows it.

    `answer` is a decision as a dict, None for a refused film, whose `reason` then has a code and a
    sentence, and which is shown without a heatmap where it could be decoded. `film_jpeg` and
    `heat_png` are what the screen shows; the film as it came is not kept. A film that the site kept
    comes back without its heatmap. `aspect` is width by height; `origin` is there for a DICOM film.
    """

    id: str
    created_at: str
    answer: dict[str, Any] | None
    reason: dict[str, str] | None
    status: str = "ok"
    warnings: tuple[str, ...] = ()
    age_years: float | None = None
    film_jpeg: bytes = b""
    heat_png: bytes = b""
    aspect: float = 1.0
    ms: dict[str, float] = field(default_factory=dict)
    saved: bool = False
    review: Review | None = None
    origin: DicomOrigin | None = None


class Shelf:
    """The newest slips by id; the oldest fall off. Safe for several threads."""

    def __init__(self, max_slips: int = MAX_SLIPS) -> None:
        self._slips: OrderedDict[str, Slip] = OrderedDict()
        self._max_slips = max_slips
        self._lock = threading.Lock()

    def put(self, slip: Slip) -> None:
        """Add a slip; the oldest one falls off when the shelf is full."""
        with self._lock:
            self._slips[slip.id] = slip
            while len(self._slips) > self._max_slips:
                self._slips.popitem(last=False)

    def get(self, slip_id: str) -> Slip | None:
        """The slip of that id, None when it is not (or no longer) there."""
        with self._lock:
            return self._slips.get(slip_id)

    def __len__(self) -> int:
        return len(self._slips)


def screen_film(film: np.ndarray) -> bytes:
    """A film, uint8 (height, width), as a JPEG for the screen, its longer side at most SCREEN_SIDE_PX."""
    image = Image.fromarray(film)
    image.thumbnail((SCREEN_SIDE_PX, SCREEN_SIDE_PX), Image.Resampling.BOX)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=JPEG_QUALITY)
    return content.getvalue()


def screen_heat(evidence: np.ndarray) -> bytes:
    """The heatmap alone as a PNG with transparency, to be laid over the film by the page."""
    content = io.BytesIO()
    overlay_layer(evidence).save(content, "PNG")
    return content.getvalue()
