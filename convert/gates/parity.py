"""The parity gate: a converted file must predict as its float model does, in the device's runtime."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from convert.options import Budget
from edge_app.errors import GateError
from edge_app.model.card import ModelCard
from edge_app.model.estimate import Estimate
from edge_app.reading.decision import is_positive, p_finding
from train.data.loading import LoadedFilms
from train.evaluation.floor import NO_FLOOR, Floor, few_films
from train.evaluation.metrics import calibration_error, delong_paired, mcnemar_exact, roc_auc

NO_NOISE_DB = 99.0  # signal-to-noise where there is no error at all
ROUNDING = 1e-9  # of shares, which are floats


@dataclass(frozen=True)
class Side:
    """One model's figures on the validation films, at the card's threshold."""

    auc: float
    accuracy: float
    recall: float
    specificity: float
    calibration_error: float


@dataclass(frozen=True)
class Flip:
    """A film whose decision changed. `row` is its place among the validation films."""

    film: str
    row: int
    truth: str
    p_float: float
    p_converted: float


@dataclass(frozen=True)
class LogitError:
    """Converted minus float: one class's logit over all films."""

    max: float
    mean: float  # of the absolute error
    signal_to_noise_db: float


@dataclass(frozen=True)
class Parity:
    """A converted file against its float model, in one runtime."""

    runtime: str
    films: int
    threshold: float
    float_model: Side
    converted: Side
    flips: tuple[Flip, ...]
    films_missed_more: int
    mcnemar_p: float
    logit_error_max: float
    logit_error_mean: float
    logit_signal_to_noise_db: float
    logit_error_by_class: dict[str, LogitError]
    class_map_correlation: float | None  # None, as the next, for a network without a class map
    class_map_agreement: float | None  # share of the map's cells in which the same class is highest
    p_change_mean: float  # absolute change of P(finding)
    failures: tuple[str, ...]  # what is over its budget, or below the floor
    note: str = ""  # why small differences could not be told, of few films

    def to_json(self, with_names: bool) -> dict[str, Any]:
        """For a report; the card holds only the number of flips, because film names may identify patients."""
        return asdict(self) | ({} if with_names else {"flips": len(self.flips)})


def compare(
    reference: dict[str, np.ndarray],
    outputs: dict[str, np.ndarray],
    films: LoadedFilms,
    card: ModelCard,
    runtime: str,
    budget: Budget,
    floor: Floor = NO_FLOOR,
) -> Parity:
    """Compare a converted file's outputs with its float model's.

    Args:
        reference: the float model's outputs on the films, from `train.networks.inference.predict`.
        outputs: the converted file's, from `convert.inference.isolated.run_isolated` in `runtime`.
    Raises:
        GateError: a logit is not a number, so nothing can be compared.
    """
    lost = int((~np.isfinite(outputs["logits"])).any(axis=1).sum())
    if lost:
        raise GateError(f"the file gives no numbers for {lost} of {len(films.pixels)} films in {runtime}")
    _, point = card.operating_point()
    positive = films.classes != card.negative_index
    p_float, p_converted = (
        p_finding(side["logits"], card.temperature, card.negative_index) for side in (reference, outputs)
    )
    called_float, called = is_positive(p_float, point.threshold), is_positive(p_converted, point.threshold)
    error = outputs["logits"] - reference["logits"]
    parity = Parity(
        runtime=runtime,
        films=len(positive),
        threshold=point.threshold,
        float_model=_side(positive, p_float, called_float),
        converted=_side(positive, p_converted, called),
        flips=tuple(
            Flip(films.films[row].name, int(row), films.films[row].label, float(p_float[row]), float(p_converted[row]))
            for row in np.flatnonzero(called_float != called)
        ),
        films_missed_more=int((called_float & positive).sum() - (called & positive).sum()),
        mcnemar_p=mcnemar_exact(called_float == positive, called == positive),
        logit_error_max=float(np.abs(error).max()),
        logit_error_mean=float(np.abs(error).mean()),
        logit_signal_to_noise_db=_signal_to_noise_db(reference["logits"], error),
        logit_error_by_class={
            label: LogitError(
                max=float(np.abs(error[:, index]).max()),
                mean=float(np.abs(error[:, index]).mean()),
                signal_to_noise_db=_signal_to_noise_db(reference["logits"][:, index], error[:, index]),
            )
            for index, label in enumerate(card.labels)
        },
        **_class_maps(reference.get("class_map"), outputs["class_map"]),
        p_change_mean=float(np.abs(p_converted - p_float).mean()),
        failures=(),
        note=few_films(positive),
    )
    auc_loss, _ = delong_paired(positive, p_float, p_converted)
    return _with_failures(parity, int(positive.sum()), auc_loss, budget, floor)


def check_parity(parities: Sequence[Parity]) -> None:
    """Refuse a file that is worse than its budget in any runtime.

    Raises:
        GateError: names every failure with the value and its limit.
    """
    failures = [f"{parity.runtime}: {failure}" for parity in parities for failure in parity.failures]
    if failures:
        raise GateError("the file is worse than its float model: " + "; ".join(failures))


def _with_failures(parity: Parity, positives: int, auc_loss: Estimate, budget: Budget, floor: Floor) -> Parity:
    """The same parity with its `failures`.

    Args:
        auc_loss: of the float model minus that of the file, with its paired interval.
    """
    missable = max(budget.recall_films, int(budget.recall * positives))
    accuracy_loss = parity.float_model.accuracy - parity.converted.accuracy
    share = len(parity.flips) / parity.films
    accuracy, flips = (_allowed(of, parity) for of in (budget.accuracy, budget.flips))
    is_noise = bool(parity.note and budget.auc > 0 and auc_loss.low <= 0)
    checks = (
        (parity.films_missed_more > missable, f"misses {parity.films_missed_more} more films, {missable} allowed"),
        (accuracy_loss > accuracy + ROUNDING, f"accuracy falls by {accuracy_loss:.4f}, {accuracy:.4g} allowed"),
        (share > flips + ROUNDING, f"{share:.2%} of decisions change, {flips:.2%} allowed"),
        (auc_loss.value > budget.auc and not is_noise, f"AUC falls by {auc_loss.value:.4f}, {budget.auc} allowed"),
    )
    failures = [message for failed, message in checks if failed]
    return replace(parity, failures=(*failures, *floor.missed_by(asdict(parity.converted))))


def _allowed(share: float, parity: Parity) -> float:
    """The share of films that may change: of few films, one may."""
    return max(share, 1 / parity.films) if parity.note and share > 0 else share


def _side(positive: np.ndarray, p: np.ndarray, called: np.ndarray) -> Side:
    return Side(
        auc=roc_auc(positive, p).value,
        accuracy=float((called == positive).mean()),
        recall=float(called[positive].mean()),
        specificity=float((~called[~positive]).mean()),
        calibration_error=calibration_error(positive, p),
    )


def _signal_to_noise_db(signal: np.ndarray, noise: np.ndarray) -> float:
    """Power of the float logits over power of the error, in decibels."""
    power = float((noise.astype(np.float64) ** 2).mean())
    return NO_NOISE_DB if power == 0 else float(10 * np.log10((signal.astype(np.float64) ** 2).mean() / power))


def _class_maps(first: np.ndarray | None, second: np.ndarray) -> dict[str, float | None]:
    """Both figures on class maps, float (films, rows, columns, classes)."""
    if first is None:
        return {"class_map_correlation": None, "class_map_agreement": None}
    agreement = float((first.argmax(axis=-1) == second.argmax(axis=-1)).mean())
    return {"class_map_correlation": _correlation(first, second), "class_map_agreement": agreement}


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's; 0 where one of the two is constant and so has none."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
