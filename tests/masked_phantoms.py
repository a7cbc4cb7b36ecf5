"""Phantom films on disk with their lung masks, for tests of the locator."""

from pathlib import Path

from PIL import Image

from edge_app.imaging.phantom import LABELS, PhantomStyle, phantom_lung_mask, write_phantom_set

STYLE = PhantomStyle()


def write_masked_phantoms(folder: Path, films_per_class: int) -> tuple[Path, Path]:
    """Write films and masks; returns their two folders."""
    films, masks = folder / "films", folder / "masks"
    write_phantom_set(films, films_per_class, style=STYLE)
    for index, label in enumerate(LABELS):
        children = {"normal": "IM-{:04d}-{:04d}", "bacterial": "person{}_bacteria_{}", "viral": "person{}_virus_{}"}
        target = masks / ("NORMAL" if label == "normal" else "PNEUMONIA")
        target.mkdir(parents=True, exist_ok=True)
        for film in range(films_per_class):
            name = children[label].format(index * films_per_class + film // 2, film)
            mask = phantom_lung_mask(index * films_per_class + film, STYLE)
            Image.fromarray(mask).save(target / f"{name}.png")
    return films, masks
