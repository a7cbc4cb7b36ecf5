"""The parity gate: a converted file must answer as its float model does, on the device's runtime."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_app.card import ModelCard
from edge_app.decision import softmax
from edge_app.errors import GateError
from edge_app.isolated import run_isolated
from train.inputs import LoadedFilms
from train.metrics import mcnemar_exact, roc_auc


@dataclass(frozen=True)
class Budget:
    """How much worse than its float model a converted file may be."""

    recall_films: int = 1  # films with pneumonia that may be missed more, or ...
    recall: float = 0.005  # ... this share of them, whichever is larger
    accuracy: float = 0.005
    flips: float = 0.01  # share of films whose decision changes
    auc: float = 0.003


@dataclass(frozen=True)
class Side:
    """One model's figures on the validation films, at the card's threshold."""

    auc: float
    accuracy: float
    recall: float
    specificity: float


@dataclass(frozen=True)
class Parity:
    """A converted file against its float model, in one runtime. `flips` names the films."""

    runtime: str
    films: int
    threshold: float
    float_model: Side
    converted: Side
    flips: tuple[str, ...]
    films_missed_more: int
    mcnemar_p: float
    logit_error_max: float
    logit_error_mean: float
    logit_signal_to_noise_db: float
    class_map_correlation: float
    failures: tuple[str, ...]

    def to_json(self, with_names: bool) -> dict[str, Any]:
        """For a report; the card gets only the number of flips, since names may be patients'."""
        return asdict(self) | {"flips": list(self.flips) if with_names else len(self.flips)}


def compare(
    reference: dict[str, np.ndarray],
    model: bytes,
    films: LoadedFilms,
    card: ModelCard,
    runtime: str,
    budget: Budget,
) -> Parity:
    """Run a converted file on the validation films and hold it to its float model.

    Args:
        reference: the float model's outputs on the same films, from `train.inference.predict`.
        runtime: a package that is installed here.
    Raises:
        BundleError: the runtime refuses the file.
    """
    outputs = run_isolated(model, len(card.labels), films.pixels, runtime)
    _, point = card.operating_point()
    positive = films.classes != card.negative_index
    p_float = _p_pneumonia(reference["logits"], card)
    p_converted = _p_pneumonia(outputs["logits"], card)
    called_float, called = p_float >= point.threshold, p_converted >= point.threshold
    flipped = np.flatnonzero(called_float != called)
    error = outputs["logits"] - reference["logits"]
    parity = Parity(
        runtime=runtime,
        films=len(positive),
        threshold=point.threshold,
        float_model=_side(positive, p_float, called_float),
        converted=_side(positive, p_converted, called),
        flips=tuple(films.films[row].name for row in flipped),
        films_missed_more=int((called_float & positive).sum() - (called & positive).sum()),
        mcnemar_p=mcnemar_exact(called_float == positive, called == positive),
        logit_error_max=float(np.abs(error).max()),
        logit_error_mean=float(np.abs(error).mean()),
        logit_signal_to_noise_db=_signal_to_noise_db(reference["logits"], error),
        class_map_correlation=_correlation(reference["class_map"], outputs["class_map"]),
        failures=(),
    )
    return _judged(parity, int(positive.sum()), budget)


def check_parity(parities: list[Parity]) -> None:
    """Refuse a file that is worse than its budget in any runtime.

    Raises:
        GateError: says what, got and allowed, for every failure.
    """
    failures = [f"{parity.runtime}: {failure}" for parity in parities for failure in parity.failures]
    if failures:
        raise GateError("the file is worse than its float model: " + "; ".join(failures))


def _judged(parity: Parity, positives: int, budget: Budget) -> Parity:
    """The same parity, with what went over its budget written down."""
    missable = max(budget.recall_films, int(budget.recall * positives))
    accuracy_loss = parity.float_model.accuracy - parity.converted.accuracy
    auc_loss = parity.float_model.auc - parity.converted.auc
    share = len(parity.flips) / parity.films
    checks = (
        (parity.films_missed_more > missable, f"misses {parity.films_missed_more} more films, {missable} allowed"),
        (accuracy_loss > budget.accuracy, f"accuracy falls by {accuracy_loss:.4f}, {budget.accuracy} allowed"),
        (share > budget.flips, f"{share:.2%} of decisions change, {budget.flips:.2%} allowed"),
        (auc_loss > budget.auc, f"AUC falls by {auc_loss:.4f}, {budget.auc} allowed"),
    )
    failures = tuple(message for failed, message in checks if failed)
    return Parity(**{**vars(parity), "failures": failures})


def _p_pneumonia(logits: np.ndarray, card: ModelCard) -> np.ndarray:
    return 1 - softmax(logits, card.temperature)[:, card.negative_index]


def _side(positive: np.ndarray, p_pneumonia: np.ndarray, called: np.ndarray) -> Side:
    return Side(
        auc=roc_auc(positive, p_pneumonia).value,
        accuracy=float((called == positive).mean()),
        recall=float(called[positive].mean()),
        specificity=float((~called[~positive]).mean()),
    )


def _signal_to_noise_db(signal: np.ndarray, noise: np.ndarray) -> float:
    """Power of the float logits over that of the error, in decibels; 99 when there is no error."""
    power = float((noise.astype(np.float64) ** 2).mean())
    return 99.0 if power == 0 else float(10 * np.log10((signal.astype(np.float64) ** 2).mean() / power))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
