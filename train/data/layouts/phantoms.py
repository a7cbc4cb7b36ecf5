"""Drawn films: the data set `phantom`, and two drawn hospitals that make their films differently.

In the Guangzhou set, how a film was made reveals its label. The same holds at drawn hospital A, and the reverse
at B: A X-rays sick children at the bedside (few pixels, flat, noisy, a wide black frame) and healthy ones in
the department; B X-rays the sick in the department and the healthy in a screening van. What separates the
classes at A misleads at B. The lungs are drawn in the same way.
"""

from pathlib import Path

from edge_app.imaging.phantom import LABELS, PhantomStyle, draw_phantom, write_phantom_set
from train.data.labelled import NORMAL, PHANTOM, DataSet, LabelledFilm, Layout

FILMS_PER_CLASS = 240
DEPARTMENT = PhantomStyle(width_px=256, height_px=224, contrast=1.0, noise=4.0, border_px=0)
BEDSIDE = PhantomStyle(width_px=144, height_px=176, contrast=0.6, noise=8.0, border_px=16)
SICK = {"a": BEDSIDE, "b": DEPARTMENT}
HEALTHY = {"a": DEPARTMENT, "b": BEDSIDE}


def phantom_data(films_per_class: int = FILMS_PER_CLASS) -> DataSet:
    """Drawn films, the same ones every time; each phantom child has two."""
    films = []
    for index, label in enumerate(LABELS):
        for number in range(films_per_class):
            seed = index * films_per_class + number
            child = f"phantom{seed // 2}"
            films.append(LabelledFilm(f"{child}_{label}_{number}", label, child, draw_phantom(label, seed)))
    return DataSet(PHANTOM, LABELS, tuple(films), "none needed", "drawn by this kit's phantom generator")


def write_hospital(folder: Path, hospital: str, films_per_class: int, seed: int = 0) -> int:
    """Write one hospital's films, a key of `SICK`, in the Kaggle layout; returns how many."""
    sick = tuple(label for label in LABELS if label != NORMAL)
    return write_phantom_set(folder, films_per_class, seed, HEALTHY[hospital], (NORMAL,)) + write_phantom_set(
        folder, films_per_class, seed, SICK[hospital], sick
    )


LAYOUT = Layout(
    description=f"the word {PHANTOM}",
    recognises=lambda source: source == PHANTOM,
    read=lambda _source, _with_test, _patients: phantom_data(),
)
