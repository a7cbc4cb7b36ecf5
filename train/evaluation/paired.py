"""Two models on the same films: is the one really better, or was it luck?"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_app.reading.decision import is_positive
from train.evaluation.metrics import accuracy_difference, delong_paired, mcnemar_exact

Judged = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Pair:
    """Two models that were trained with one seed.

    `first` and `second` map a judge's name to (positive bool (films,), P(pneumonia) float (films,));
    the thresholds are on P(pneumonia).
    """

    seed: int
    first: Judged
    second: Judged
    first_threshold: float
    second_threshold: float


def paired_tests(names: dict[str, Any], pairs: list[Pair], films: int) -> list[dict[str, Any]]:
    """DeLong's test of the AUCs and a test of the decisions on every judge, over the seeds and by seed.

    A judge that shows each film in several draws counts each film once, by its mean P(pneumonia):
    draws of one film are no independent witnesses.

    Args:
        names: go into every row as they are.
        pairs: of the same judges; at least one.
        films: that were held out, so that draws can be told from films.
    """
    return [names | {"judge": judge, "films": films} | _on(judge, pairs, films) for judge in pairs[0].first]


def _on(judge: str, pairs: list[Pair], films: int) -> dict[str, Any]:
    positive = pairs[0].first[judge][0][:films]
    first = np.stack([_once_a_film(pair.first[judge], films) for pair in pairs])
    second = np.stack([_once_a_film(pair.second[judge], films) for pair in pairs])
    first_right = is_positive(first, np.array([[pair.first_threshold] for pair in pairs])) == positive
    second_right = is_positive(second, np.array([[pair.second_threshold] for pair in pairs])) == positive
    auc, auc_p = delong_paired(positive, first, second)
    accuracy, accuracy_p = accuracy_difference(first_right, second_right)
    return {
        "auc_difference": asdict(auc),
        "delong_p": auc_p,
        "accuracy_difference": asdict(accuracy),
        "accuracy_p": accuracy_p,
        "by_seed": [
            _of_one_seed(pair.seed, positive, first[row], second[row], first_right[row], second_right[row])
            for row, pair in enumerate(pairs)
        ],
    }


def _of_one_seed(
    seed: int,
    positive: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    first_right: np.ndarray,
    second_right: np.ndarray,
) -> dict[str, Any]:
    auc, auc_p = delong_paired(positive, first, second)
    return {
        "seed": seed,
        "auc_difference": auc.value,
        "delong_p": auc_p,
        "only_first_right": int((first_right & ~second_right).sum()),
        "only_second_right": int((~first_right & second_right).sum()),
        "mcnemar_p": mcnemar_exact(first_right, second_right),
    }


def _once_a_film(judged: tuple[np.ndarray, np.ndarray], films: int) -> np.ndarray:
    """P(pneumonia) float (films,)."""
    return judged[1].reshape(-1, films).mean(axis=0)
