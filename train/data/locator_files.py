"""The lung locator that films are cropped with: its files, and the preparation that uses it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_app.errors import DataError
from edge_app.model.locator import Locator
from edge_app.model.preparation import Preparation
from edge_app.model.runtimes.registry import load_runtime
from edge_app.system.files import sha256_of, write_together

SHIPPED = Path(__file__).parents[1] / "locator"  # the locator in the model that ships
FOLDER = "locator"  # in a run folder
WHOLE_FILM = "none"  # for `--locator`: the model sees whole films
INT8, FLOAT32, FIGURES = NAMES = ("locator-int8.tflite", "locator-float32.tflite", "locator.json")


@dataclass(frozen=True)
class LocatorFiles:
    """A locator as `convert --locator` wrote it.

    `int8` is the file for the device, by which films are also cropped for training; `float32` its twin,
    for the parity gate; `figures` what both were measured to do, and whose masks they learned from.
    """

    int8: bytes
    float32: bytes
    figures: dict[str, Any]

    @property
    def input_size_px(self) -> int:
        """Side of its input."""
        return int(self.figures["input_size_px"])

    @property
    def sha256(self) -> str:
        """The hash by which runs and model cards name it."""
        return sha256_of(self.int8)

    def to_card(self) -> dict[str, Any]:
        """What a model's card says of it."""
        kept = ("input_size_px", "parameters", "data_attribution", "masks_attribution", "masks_licence", "card")
        return {"sha256": self.sha256} | {name: self.figures[name] for name in kept if name in self.figures}

    def write(self, folder: Path) -> None:
        """Write the three files, all or none."""
        folder.mkdir(parents=True, exist_ok=True)
        figures = (json.dumps(self.figures, indent=1) + "\n").encode()
        write_together({folder / INT8: self.int8, folder / FLOAT32: self.float32, folder / FIGURES: figures})


def find_locator(argument: str | Path | None) -> LocatorFiles | None:
    """The locator that `--locator` names; the shipped one by default, None for `none`.

    Raises:
        DataError: a file is missing or damaged.
    """
    if str(argument) == WHOLE_FILM:
        return None
    folder = Path(argument) if argument else SHIPPED
    try:
        figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        files = LocatorFiles((folder / INT8).read_bytes(), (folder / FLOAT32).read_bytes(), figures)
        recorded, _ = figures["sha256"], int(figures["input_size_px"])
    except FileNotFoundError as cause:
        raise DataError(
            f"{cause.filename} is missing: give --locator a folder that convert --locator wrote, or {WHOLE_FILM}"
        ) from cause
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{folder} holds no locator: {cause!r}: run convert --locator again") from cause
    if recorded != {"int8": sha256_of(files.int8), "float32": sha256_of(files.float32)}:
        raise DataError(f"{folder} mixes the files of two locators, or one is damaged: run convert --locator again")
    return files


def preparation_of(size_px: int, locator: LocatorFiles | None) -> Preparation:
    """How films are prepared for a model, as the device would: the int8 locator, in this machine's runtime.

    Args:
        size_px: side of the model's input.
    """
    return Preparation(size_px, Locator(locator.int8, load_runtime()) if locator else None)
