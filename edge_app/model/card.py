"""The model card for programs: `card.json` in the bundle, and how it is checked when read."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from edge_app.errors import BundleError
from edge_app.model.card_rules import READABLE_VERSIONS, check_fields
from edge_app.model.estimate import Estimate

FORMAT_VERSION = 2
NEGATIVE_LABEL = "normal"
FINDING = "pneumonia"
MEASURED = ("recall", "specificity")  # of an operating point


@dataclass(frozen=True)
class ModelIdentity:
    """Name and version from a model's card; `sha256` of its file, 64 hexadecimal digits."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on P(pneumonia), 0..1, with the figures that it gave on the validation films."""

    threshold: float
    recall: Estimate
    specificity: Estimate


@dataclass(frozen=True)
class ModelCard:
    """What a device must know about a model, and what its users ask about it."""

    name: str
    version: str
    input_size_px: int
    preprocessing_id: str
    preprocessing_version: int
    labels: tuple[str, ...]
    temperature: float
    operating_points: dict[str, OperatingPoint]
    default_operating_point: str
    # P(pneumonia) from the first to the second value is called uncertain.
    uncertainty_band: tuple[float, float]
    # True when the training films were drawn by the phantom generator. Such a model must never be used on people.
    phantom: bool
    quantization: str
    intended_use: str
    not_checked: tuple[str, ...]
    data_licence: str
    data_attribution: str
    created: str
    git_commit: str
    minimum_runtime: str
    format_version: int = FORMAT_VERSION
    # The class without the finding, and the name for all other classes: a model of another body
    # region has its own. P(finding) is 1 - P(negative); it is P(pneumonia) for the models that ship.
    negative: str = NEGATIVE_LABEL
    finding: str = FINDING
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    parity: dict[str, Any] = field(default_factory=dict)
    # The locator in the bundle: `sha256`, `input_size_px`, what it was measured to do, and whose masks it
    # learned from. Empty for a model that sees whole films.
    locator: dict[str, Any] = field(default_factory=dict)
    # False for a network that cannot show where its evidence lies.
    class_map: bool = True
    # Statistics of the pooled features, for refusing pictures that are not chest films; empty: not measured.
    features: dict[str, Any] = field(default_factory=dict)
    # `height` and `width` of the lung field as shares of the film's sides, on the validation films: `films`, `mean` and
    # `spread` (standard deviation) of each. Empty: not measured, as before 0.5.0.
    lung_field_statistics: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)

    @property
    def negative_index(self) -> int:
        """Index in `labels` of the class without the finding."""
        return self.labels.index(self.negative)

    @property
    def is_about_pneumonia(self) -> bool:
        """False for a model of other classes, which does not fit the kiosk's texts and record."""
        return self.finding == FINDING

    def operating_point(self, name: str | None = None) -> tuple[str, OperatingPoint]:
        """The named operating point, or the default one.

        Raises:
            BundleError: the card has none of that name.
        """
        chosen = name or self.default_operating_point
        if chosen not in self.operating_points:
            known = ", ".join(sorted(self.operating_points))
            raise BundleError(f"model {self.name} has no operating point {chosen!r}; it has {known}")
        return chosen, self.operating_points[chosen]

    def to_json(self) -> str:
        """The card as it is in the bundle; `from_json` reads it back."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelCard":
        """Read and check a card.

        Raises:
            BundleError: not JSON, or of another format version; `CardError` for a field that is missing, of a
                wrong type or out of its range.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as cause:
            raise BundleError(f"the model's card is not JSON: {cause}") from cause
        if not isinstance(raw, dict) or raw.get("format_version") not in READABLE_VERSIONS:
            got = raw.get("format_version") if isinstance(raw, dict) else None
            raise BundleError(
                f"the card has format version {got}, this kit reads {' and '.join(map(str, READABLE_VERSIONS))}"
            )
        check_fields({"negative": NEGATIVE_LABEL, "finding": FINDING} | raw)
        return cls(**_in_types(raw))


def _in_types(raw: dict[str, Any]) -> dict[str, Any]:
    """The values of a checked JSON object in the types of the dataclass; unknown keys are dropped."""
    values = {known.name: raw[known.name] for known in dataclasses.fields(ModelCard) if known.name in raw}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    points = raw["operating_points"].items()
    return values | {"operating_points": {name: _operating_point(point) for name, point in points}}


def _operating_point(raw: dict[str, Any]) -> OperatingPoint:
    shares = {name: Estimate(**{end: float(value) for end, value in raw[name].items()}) for name in MEASURED}
    return OperatingPoint(float(raw["threshold"]), **shares)
