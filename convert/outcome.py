"""What each format became: exported, examined by the gates, then accepted as a bundle or refused."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convert.formats.registry import Format
from convert.gates.delegation import Observation
from convert.gates.layers import LayerError
from convert.gates.parity import Parity
from edge_app.model.card import ModelCard
from edge_app.model.golden import Golden


@dataclass(frozen=True)
class Exported:
    """A converted file before its figures are known."""

    format: Format
    model: bytes  # a .tflite file without a bundle's ZIP
    card: ModelCard


@dataclass(frozen=True)
class Examined:
    """What the gates found, up to the first gate that refused the file."""

    file: Exported  # with metadata, once its operators were read
    operators: tuple[tuple[str, int], ...] = ()  # name and version, in their order of use
    observations: tuple[Observation, ...] = ()  # one per runtime, as are the next two
    outputs: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # on the validation films
    parities: tuple[Parity, ...] = ()
    golden: Golden | None = None  # of a file that passed every gate
    refusal: str = ""  # why, of a file that did not pass


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    examined: Examined
    path: Path  # of the bundle, or of the rejected file
    bundle_bytes: int | None  # None for a rejected file
    figures: dict[str, Any]  # by evaluation set; empty for a file that did not run
    layers: tuple[LayerError, ...]

    def to_json(self) -> dict[str, Any]:
        """The row of the report."""
        seen = self.examined
        row = {
            "format": seen.file.format.name,
            "status": "rejected" if seen.refusal else "ok",
            "path": str(self.path),
            "model_bytes": len(seen.file.model),
            "operators": sorted(set(seen.operators)),
            "runtimes": [asdict(observation) for observation in seen.observations],
            "parity": [parity.to_json(with_names=True) for parity in seen.parities],
            "layers": [asdict(layer) for layer in self.layers],
            "judges": self.figures,
        }
        return row | ({"reason": seen.refusal} if seen.refusal else {"bundle_bytes": self.bundle_bytes})
