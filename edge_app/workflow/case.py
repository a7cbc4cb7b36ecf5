"""A case: one film as the kiosk shows it, from its draft to its signed record."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from edge_app.imaging.contour import Point, contour_polygons
from edge_app.imaging.formats.base import DicomOrigin
from edge_app.imaging.turning import Turning
from edge_app.model.card import ModelIdentity
from edge_app.reading.answer import Answer, Refusal
from edge_app.reading.film_checks import AGE_UNKNOWN
from edge_app.records.record import NOBODY, Record, RefusedFilm, Review, Visit

SCREEN_SIDE_PX, FULL_SIDE_PX = 1024, 4096  # the longer side, at most: as it is shown first, and in full resolution
THUMBNAIL_SIDE_PX = 104  # twice the side in which a list shows it
JPEG_QUALITY = 88


class OtherChild(str):
    """The code of a warning: the same film came again, and what was said of its child is not what the record says."""

    kept: Visit
    said: Visit

    def __new__(cls, kept: Visit, said: Visit) -> "OtherChild":
        """Make the warning of what the record says and of what was said now."""
        code = super().__new__(cls, "other_child")
        code.kept, code.said = kept, said
        return code


@dataclass(frozen=True)
class Pictures:
    """What the screen shows of a film; the original file is not kept.

    `film_jpeg` and `thumbnail_jpeg` are empty where there is no film to show, `contour` (polygons in
    fractions of the film) where there is no evidence. `is_small` says that the file has more pixels for a screen.
    """

    film_jpeg: bytes = b""
    thumbnail_jpeg: bytes = b""
    contour: tuple[tuple[Point, ...], ...] = ()
    is_small: bool = False


@dataclass(frozen=True)
class Case:
    """One film's answer and what became of it.

    `answer` holds no pixels: `pictures` has what the screen shows. `saved` says whether it is on the disk, a draft in
    the record or a refused film in its list. `review` is the signature that stands; `version` and `status` are those
    of the `Record`. `origin` is set for a DICOM film in memory. `turnings` were done to the film on the screen, the
    first one first, before it was read.
    """

    id: str
    created_at: str
    answer: Answer
    pictures: Pictures = Pictures()
    visit: Visit = NOBODY
    source: str = "page"
    saved: bool = False
    review: Review | None = None
    version: int = 0
    status: str = "draft"
    origin: DicomOrigin | None = None
    turnings: tuple[Turning, ...] = ()

    def as_recorded(self, record: Record) -> "Case":
        """The same with what the record says of it by now."""
        warnings = tuple(code for code in self.answer.warnings if not _is_settled(code, record.visit))
        return replace(
            self,
            answer=replace(self.answer, warnings=warnings),
            saved=True,
            visit=record.visit,
            review=record.review,
            version=record.version,
            status=record.status,
        )


def _is_settled(code: str, visit: Visit) -> bool:
    """Whether a warning no longer holds since somebody said whose film it is."""
    if isinstance(code, OtherChild):
        return code.kept != visit
    return code == AGE_UNKNOWN and visit.age_years is not None


def case_of_record(record: Record, film_jpeg: bytes = b"") -> Case:
    """A film that is no longer in memory, from its record.

    Args:
        film_jpeg: the film, where the site keeps films.
    """
    answer = Answer(record.decision, record.model, record.runtime, record.warnings, lung_field=record.lung_field)
    pictures, turnings = Pictures(film_jpeg), record.turnings
    case = Case(record.id, record.created_at, answer, pictures, source=record.source, turnings=turnings)
    return case.as_recorded(record)


def case_of_refused(film: RefusedFilm, model: ModelIdentity, runtime: str) -> Case:
    """A refused film that is no longer in memory."""
    refusal = Refusal(film.status, film.code, film.sentence)
    answer = Answer(refusal, model, runtime)
    return Case(film.id, film.at, answer, visit=film.visit, source=film.source, saved=True)


def pictures_of(answer: Answer) -> Pictures:
    """What the screen shows of an answer: the film where it could be decoded, and the contour of a decision."""
    if answer.film is None:
        return Pictures()
    contour = [] if answer.evidence is None else contour_polygons(answer.evidence, answer.lung_field)
    screen = jpeg_of(answer.film.pixels, SCREEN_SIDE_PX)
    thumbnail = jpeg_of(answer.film.pixels, THUMBNAIL_SIDE_PX)
    has_more = max(answer.film.width_px, answer.film.height_px) > max(answer.film.pixels.shape)
    is_small = has_more and max(answer.film.pixels.shape) < SCREEN_SIDE_PX
    return Pictures(screen, thumbnail, tuple(map(tuple, contour)), is_small)


def jpeg_of(pixels: np.ndarray, side_px: int) -> bytes:
    """A film, uint8 (height, width), as a JPEG whose longer side has at most `side_px` pixels."""
    image, content = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((side_px, side_px), Image.Resampling.BOX)
    image.save(content, "JPEG", quality=JPEG_QUALITY)
    return content.getvalue()
