"""Films with their lung masks, cut by patient, for the locator.

Films of the classifier's validation patients are held out: the locator that crops them must not
have learned from them. Masks lie under the folders and names of their films, as PNG.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edge_app.errors import DataError
from edge_app.model.preparation import Preparation
from edge_app.system.files import sha256_of
from train.data.labelled import DataSet, LabelledFilm
from train.data.loading import load_films
from train.data.split import TRAIN, VALIDATION, Manifest, SplitRule, split_films

LOG = logging.getLogger(__name__)

SIDE_PX = 224  # films and masks are squashed to this square before they are drawn afresh
HASHED_SIDE_PX = 64  # films are read once at this size, for the split by the hashes of their pixels
LEAST_LUNG = 0.01  # of the film; a mask with less is empty


@dataclass(frozen=True)
class MaskedFilms:
    """Films and masks, row by row: uint8 (films, SIDE_PX, SIDE_PX), a mask being 0 or 255."""

    films: tuple[LabelledFilm, ...]
    pixels: np.ndarray
    masks: np.ndarray


@dataclass(frozen=True)
class LungMaskSet:
    """Masked films to learn from, masked films held out, and all films that the split was cut from."""

    training: MaskedFilms
    held_out: MaskedFilms
    manifest: Manifest
    all_films: tuple[LabelledFilm, ...]  # row by row as in the manifest

    @property
    def masks_sha256(self) -> str:
        """A hash over all masks, by which a run is known to have learned from these."""
        return sha256_of(self.training.masks.tobytes() + self.held_out.masks.tobytes())


def load_lung_masks(data: DataSet, masks: Path) -> LungMaskSet:
    """Read the films that have a mask, cut as `train fit` cuts the whole data set by default.

    Args:
        masks: folder with the class folders of the data set, or with `train` that holds them.
    Raises:
        DataError: the folder is missing or does not fit the films, a mask is empty or inverted, of
            another size than its film or unreadable, or a part has no film with a mask.
    """
    found = _mask_files(masks)
    _check_names(data, found, masks)
    loaded = load_films(data, Preparation(HASHED_SIDE_PX))
    manifest = split_films(loaded, data.name, data.labels, SplitRule())
    parts = {}
    for part in (TRAIN, VALIDATION):
        chosen = [loaded.films[row] for row in manifest.rows(part) if _key(loaded.films[row]) in found]
        if not chosen:
            raise DataError(f"{masks} has no mask of a film in the {part} part of {data.name}: masks of more patients")
        parts[part] = _read(chosen, found)
    LOG.info("masks of %d films to learn from, %d held out", *(len(part.films) for part in parts.values()))
    return LungMaskSet(parts[TRAIN], parts[VALIDATION], manifest, loaded.films)


def _mask_files(masks: Path) -> dict[tuple[str, str], Path]:
    """Mask files by class folder and name without suffix."""
    if not masks.is_dir():
        raise DataError(f"no lung masks at {masks}: give --masks a folder with the folders and names of the films")
    root = masks / "train" if (masks / "train").is_dir() else masks
    found = {(file.parent.name.upper(), file.stem): file for file in sorted(root.glob("*/*.png"))}
    if not found:
        raise DataError(f"{root} holds no masks: expected PNG files in the class folders of the films")
    return found


def _key(film: LabelledFilm) -> tuple[str, str]:
    """A film's class folder and name; drawn and packed films have neither and no mask."""
    return (film.source.parent.name.upper(), film.source.stem) if isinstance(film.source, Path) else ("", film.name)


def _check_names(data: DataSet, found: dict[tuple[str, str], Path], masks: Path) -> None:
    strangers = sorted(set(found) - {_key(film) for film in data.films if not film.is_test})
    if strangers:
        raise DataError(
            f"{len(strangers)} of {len(found)} masks in {masks} have no film in {data.name} (the first is "
            f"{'/'.join(strangers[0])}): masks need the folders and names of their films"
        )


def _read(films: list[LabelledFilm], found: dict[tuple[str, str], Path]) -> MaskedFilms:
    pixels = np.empty((len(films), SIDE_PX, SIDE_PX), np.uint8)
    masks = np.empty_like(pixels)
    for row, film in enumerate(films):
        decoded = film.read().pixels
        mask = _read_mask(found[_key(film)], decoded.shape)
        pixels[row], masks[row] = _squashed(decoded), np.where(_squashed(mask) > 127, 255, 0)
    return MaskedFilms(tuple(films), pixels, masks)


def _read_mask(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """One mask, uint8 (height, width), 0 or 255."""
    try:
        with Image.open(file) as image:
            mask = np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as cause:
        raise DataError(f"{file} cannot be read: {cause}: replace or remove the mask") from cause
    if mask.shape != shape:
        raise DataError(
            f"{file} is {mask.shape[1]} x {mask.shape[0]} px, its film {shape[1]} x {shape[0]} px: "
            "a mask has its film's size"
        )
    white = mask > 127
    if white.mean() < LEAST_LUNG or white[[0, 0, -1, -1], [0, -1, 0, -1]].all():
        raise DataError(
            f"{file} is white on {white.mean():.1%} of the film (gray levels {mask.min()} to {mask.max()}), expected "
            f"at least {LEAST_LUNG:.0%} and not in all corners: lungs are white, 255, all else is black: draw it again"
        )
    return np.where(white, np.uint8(255), np.uint8(0))


def _squashed(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape == (SIDE_PX, SIDE_PX):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR))
