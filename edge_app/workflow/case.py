"""A case: one film as the kiosk shows it, from its draft to its signed record."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edge_app.imaging.formats.base import DicomOrigin
from edge_app.imaging.heatmap import Field, overlay_layer
from edge_app.reading.answer import Answer
from edge_app.records.database import Record, Review

SCREEN_SIDE_PX = 1024
JPEG_QUALITY = 88


@dataclass(frozen=True)
class Pictures:
    """What the screen shows of a film; the original file is not kept.

    `film_jpeg` is empty where there is no film to show, `heat_png` where there is no heatmap.
    `aspect` is width by height.
    """

    film_jpeg: bytes = b""
    heat_png: bytes = b""
    aspect: float = 1.0


@dataclass(frozen=True)
class Case:
    """One film's answer and what became of it.

    `answer` holds no pixels: `pictures` has what the screen shows. `saved` says whether the draft is
    on the disk; `review` is the one that stands. `origin` is set for a DICOM film in memory.
    """

    id: str
    created_at: str
    answer: Answer
    pictures: Pictures = Pictures()
    age_years: float | None = None
    saved: bool = False
    review: Review | None = None
    origin: DicomOrigin | None = None


def case_of_record(record: Record, film_jpeg: bytes = b"") -> Case:
    """A film that is no longer in memory, from its record.

    Args:
        film_jpeg: the film, where the site keeps films.
    """
    return Case(
        id=record.id,
        created_at=record.created_at,
        answer=Answer(record.decision, record.model, record.runtime, record.warnings),
        pictures=Pictures(film_jpeg),
        age_years=record.age_years,
        saved=True,
        review=record.review,
    )


def pictures_of(answer: Answer) -> Pictures:
    """What the screen shows of an answer: the film where it could be decoded, and the heatmap of a decision."""
    if answer.film is None:
        return Pictures()
    height, width = answer.film.pixels.shape
    heat = heat_png(answer.evidence, answer.lung_field) if answer.evidence is not None else b""
    return Pictures(film_jpeg(answer.film.pixels), heat, width / height)


def film_jpeg(film: np.ndarray) -> bytes:
    """A film, uint8 (height, width), as a JPEG for the screen, its longer side at most SCREEN_SIDE_PX."""
    image = Image.fromarray(film)
    image.thumbnail((SCREEN_SIDE_PX, SCREEN_SIDE_PX), Image.Resampling.BOX)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=JPEG_QUALITY)
    return content.getvalue()


def heat_png(evidence: np.ndarray, field: Field | None) -> bytes:
    """The contour of the evidence alone as a PNG with transparency, to be laid over the film by the page."""
    content = io.BytesIO()
    overlay_layer(evidence, field).save(content, "PNG")
    return content.getvalue()
