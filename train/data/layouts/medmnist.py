"""MedMNIST files: `train_images`, `train_labels`, the same for `val` and `test`; any of the two-dimensional sets.

A file's name says which set it is, and so its classes and licence, as in `medmnist/info.py` 3.0.2: https://medmnist.com.
"""

import math
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from edge_app.errors import DataError
from train.data.labelled import TEST, TRAIN, VALIDATION, DataSet, LabelledFilm, Layout
from train.data.layouts.folders import KERMANY_ATTRIBUTION
from train.data.on_disk import stack_on_disk

LITS = "Bilic et al., LiTS, Med Image Anal 84:102680 (2023)"
ORGANS = "bladder|femur-left|femur-right|heart|kidney-left|kidney-right|liver|lung-left|lung-right|pancreas|spleen"
# By name: the classes in order, and the films that the set was made from.
SETS = {
    "pathmnist": (
        "adipose|background|debris|lymphocytes|mucus|smooth muscle|normal colon mucosa|cancer-associated stroma|"
        "colorectal adenocarcinoma epithelium",
        "Kather et al., PLoS Med 16:e1002730 (2019)",
    ),
    "dermamnist": (
        "actinic keratoses and intraepithelial carcinoma|basal cell carcinoma|benign keratosis-like lesions|"
        "dermatofibroma|melanoma|melanocytic nevi|vascular lesions",
        "Tschandl et al., HAM10000, Sci Data 5:180161 (2018)",
    ),
    "octmnist": ("choroidal neovascularization|diabetic macular edema|drusen|normal", KERMANY_ATTRIBUTION),
    "pneumoniamnist": ("normal|pneumonia", KERMANY_ATTRIBUTION),
    "retinamnist": ("0|1|2|3|4", "Liu et al., DeepDRiD, Patterns 3:100512 (2022)"),
    "breastmnist": ("malignant|normal, benign", "Al-Dhabyani et al., Data Brief 28:104863 (2020)"),
    "bloodmnist": (
        "basophil|eosinophil|erythroblast|immature granulocytes|lymphocyte|monocyte|neutrophil|platelet",
        "Acevedo et al., Data Brief 30:105474 (2020)",
    ),
    "tissuemnist": (
        "collecting duct, connecting tubule|distal convoluted tubule|glomerular endothelial cells|"
        "interstitial endothelial cells|leukocytes|podocytes|proximal tubule segments|thick ascending limb",
        "Ljosa et al., BBBC051, Nat Methods 9:637 (2012)",
    ),
    "organamnist": (ORGANS, LITS),
    "organcmnist": (ORGANS, LITS),
    "organsmnist": (ORGANS, LITS),
}
LICENCES = {"dermamnist": "CC BY-NC 4.0"}
LICENCE = "CC BY 4.0"  # of all others, as MedMNIST's README says since 2.2.3
ATTRIBUTION = "MedMNIST v2, Yang et al., Sci Data 10:41 (2023), after "
PARTS = {"train": TRAIN, "val": VALIDATION, "test": TEST}  # how the arrays are called, and our name
DAMAGED = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error)


def read_npz(path: Path, with_test: bool) -> DataSet:
    """Read a MedMNIST file of any side. Colour becomes gray, as the device's decoder would make it.

    Args:
        with_test: also read `test_images`, where there are any.
    Raises:
        DataError: damaged, or not of this kind: three-dimensional, or several labels per film. The message says
            which array is wrong.
    """
    name = re.sub(r"_\d+$", "", path.stem.lower())
    known = SETS.get(name)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            parts = [part for part in PARTS if part == TRAIN or f"{part}_images" in arrays.files]
            parts = [part for part in parts if with_test or part != TEST]
            missing = [f"{part}_{kind}" for part in parts for kind in ("images", "labels")]
            missing = [array for array in missing if array not in arrays.files]
            if missing:
                raise DataError(f"{path} holds {', '.join(arrays.files) or 'nothing'}, missing {', '.join(missing)}")
            read = {part: _checked(path, part, arrays) for part in parts}
    except DAMAGED as cause:
        raise DataError(f"{path} cannot be read as a MedMNIST .npz file: {cause}: fetch it again") from cause
    numbers = sorted({int(number) for _, classes in read.values() for number in classes})
    labels = known[0].split("|") if known else [f"class {number}" for number in range(numbers[-1] + 1)]
    if numbers[0] < 0 or numbers[-1] >= len(labels):
        raise DataError(f"the labels in {path} are {numbers}, expected 0 to {len(labels) - 1}: {', '.join(labels)}")
    notes = ["MedMNIST names no patients: each film counts as a patient of its own"]
    if not known:
        notes.append(f"{path.name} is called as no set of MedMNIST: its classes have numbers, its licence is unknown")
    if any(images.ndim == 4 for images, _ in read.values()):
        notes.append("colour was turned gray; the device refuses colour pictures")
    return DataSet(
        name=path.name,
        labels=tuple(labels),
        films=tuple(film for part, arrays in read.items() for film in _films(path.stem, part, labels, *arrays)),
        licence=LICENCES.get(name, LICENCE) if known else "not stated",
        attribution=ATTRIBUTION + known[1] if known else f"films of {path.name}",
        notes=tuple(notes),
    )


def _films(stem: str, part: str, labels: list[str], images: np.ndarray, classes: np.ndarray) -> list[LabelledFilm]:
    stem = stem if part == TRAIN else f"{stem}_{part}"
    return [
        LabelledFilm(f"{stem}_{index}", labels[kind], f"{stem}_{index}", image, PARTS[part])
        for index, (image, kind) in enumerate(zip(images, classes, strict=True))
    ]


def _checked(path: Path, part: str, arrays: np.lib.npyio.NpzFile) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (films, side, side), or (films, side, side, 3) in colour, and class numbers (films,)."""
    images, classes = _on_disk(arrays, f"{part}_images"), arrays[f"{part}_labels"]
    square = images.ndim in (3, 4) and images.shape[1] == images.shape[2] and images.shape[3:] in ((), (3,))
    if not square or images.dtype != np.uint8:
        raise DataError(
            f"{part}_images in {path} are {images.dtype} {images.shape}, expected two-dimensional films: "
            "uint8 (films, side, side), or (films, side, side, 3) in colour"
        )
    if classes.ndim == 2 and classes.shape[1] > 1:
        raise DataError(
            f"{part}_labels in {path} are {classes.shape}, several labels per film: the kit distinguishes classes "
            "that exclude each other, so a film needs exactly one; choose one label and write a list"
        )
    if classes.shape not in ((len(images),), (len(images), 1)) or not np.issubdtype(classes.dtype, np.integer):
        raise DataError(
            f"{part}_labels in {path} are {classes.dtype} {classes.shape}, expected one whole number for each of "
            f"the {len(images)} films"
        )
    return images, classes.ravel()


def _on_disk(arrays: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """An array of the file, unpacked to the disk row by row: in memory, the large sets would take gigabytes."""
    with arrays.zip.open(f"{name}.npy") as file:
        form = np.lib.format
        header = form.read_array_header_1_0 if form.read_magic(file) == (1, 0) else form.read_array_header_2_0
        shape, by_column, dtype = header(file)
        if by_column or dtype.hasobject or len(shape) < 2:
            return arrays[name]
        row_bytes = dtype.itemsize * math.prod(shape[1:])
        rows = (np.frombuffer(file.read(row_bytes), dtype).reshape(shape[1:]) for _ in range(shape[0]))
        return stack_on_disk(rows, shape[0])


LAYOUT = Layout(
    description="a MedMNIST .npz",
    recognises=lambda source: Path(source).is_file() and Path(source).suffix == ".npz",
    read=lambda source, with_test, _patients: read_npz(Path(source), with_test),
)
