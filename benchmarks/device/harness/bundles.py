"""The bundle under test: what a row says about it, and where its float twin is."""

import io
import zipfile
from pathlib import Path
from typing import Any

from edge_app.model.bundle import LOCATOR, read_bundle

TWIN_FOLDER = Path("runs/convert")
NO_TWIN = "no float twin here: python -m convert --float32"


def bundle_facts(path: Path) -> dict[str, Any]:
    """What a row says about its bundle.

    Raises:
        BundleError: it is missing or damaged.
    """
    bundle = read_bundle(path)
    card = bundle.card
    return {
        "model": {"name": card.name, "version": card.version, "sha256": bundle.sha256, "phantom": card.phantom},
        "input": f"{card.input_size_px}x{card.input_size_px}x1",
        "quantization": card.quantization,
    }


def networks_of(model: Path) -> list[bytes]:
    """The networks that one film takes, in order: a bundle's locator, where it has one, and the classifier."""
    content = model.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            classifier = content[: min(member.header_offset for member in archive.infolist())]
            return [archive.read(LOCATOR), classifier] if LOCATOR in archive.namelist() else [classifier]
    except zipfile.BadZipFile:  # a bare .tflite file
        return [content]


def twin_path(model: Path) -> Path | None:
    """The float twin of a bundle, in its folder or where `convert` writes it; None if it is in neither.

    Raises:
        BundleError: the bundle is missing or damaged.
    """
    name = f"{bundle_facts(model)['model']['name']}-float32.tflite"
    places = (model.with_name(name), TWIN_FOLDER / name)
    return next((path for path in places if path.exists() and path != model), None)
