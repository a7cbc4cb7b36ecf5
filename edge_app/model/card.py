"""The model card for programs: `card.json` in the bundle, and how it is checked when read."""

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from typing import Any

from edge_app.errors import BundleError
from edge_app.model.estimate import Estimate

FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)  # of format 1 are the bundles before 0.4.0, without a locator
NEGATIVE_LABEL = "normal"
FINDING = "pneumonia"


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
            BundleError: not JSON, of another format version, a field missing, of a wrong type or
                out of its range.
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
        try:
            card = cls(**_fields(raw))
        except (KeyError, TypeError, ValueError, AttributeError) as cause:
            raise BundleError(f"the model's card is incomplete or wrong: {cause!r}") from cause
        _check(card)
        return card


def _fields(raw: dict[str, Any]) -> dict[str, Any]:
    """The values of a JSON object in the types of the dataclass; unknown keys are dropped."""
    hints = typing.get_type_hints(ModelCard)
    values = {name: raw[name] for name in hints if name in raw}
    for name in values:
        values[name] = _typed(name, values[name], hints[name])
    values["operating_points"] = {
        name: OperatingPoint(
            threshold=float(point["threshold"]),
            recall=_estimate(point["recall"]),
            specificity=_estimate(point["specificity"]),
        )
        for name, point in raw["operating_points"].items()
    }
    return values


def _typed(name: str, value: Any, kind: Any) -> Any:
    """The value if it has that type, lists as tuples; a null is never valid."""
    plain = typing.get_origin(kind) or kind
    wanted: Any = {tuple: list, float: (int, float)}.get(plain, plain)
    if not isinstance(value, wanted) or (isinstance(value, bool) and plain is not bool):
        raise TypeError(f"{name} is {value!r}, expected {plain.__name__}")
    if plain is not tuple:
        return value
    kinds = typing.get_args(kind)
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    return tuple(_typed(name, item, item_kind) for item, item_kind in zip(value, kinds, strict=True))


def _estimate(raw: dict[str, Any]) -> Estimate:
    estimate = Estimate(**{name: float(value) for name, value in raw.items()})
    if not all(-1e-6 <= value <= 1 + 1e-6 for value in dataclasses.astuple(estimate)):  # an interval's end may round
        raise ValueError(f"{raw} is not a proportion, 0 to 1, with its interval")
    return estimate


def _check(card: ModelCard) -> None:
    low, high = card.uncertainty_band
    thresholds = [point.threshold for point in card.operating_points.values()]
    for wrong, what in (
        (len(card.labels) < 2 or card.negative not in card.labels, f"labels are {card.labels}, not {card.negative!r}"),
        (not card.finding or card.finding == card.negative, f"its finding is {card.finding!r}"),
        (len(set(card.labels)) != len(card.labels), f"labels repeat: {card.labels}"),
        (not 16 <= card.input_size_px <= 1024, f"input size is {card.input_size_px} px"),
        (not 0 < card.temperature < 100, f"temperature is {card.temperature}"),
        (not thresholds, "there is no operating point"),
        (not all(0 < value < 1 for value in thresholds), f"thresholds are {thresholds}"),
        (not 0 <= low <= high <= 1, f"uncertainty band is {card.uncertainty_band}"),
    ):
        if wrong:
            raise BundleError(f"the model's card is wrong: {what}: run convert again")
    card.operating_point()
