"""Two models on the same films: is one really better, or was it luck?"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_app.reading.decision import is_positive
from train.evaluation.metrics import accuracy_difference, delong_paired, mcnemar_exact

Scores = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Pair:
    """Two models that were trained with one seed.

    `first` and `second` map an evaluation set's name to (positive bool (films,), P(finding) float (films,)).
    The thresholds are on P(finding), 0..1.
    """

    seed: int
    first: Scores
    second: Scores
    first_threshold: float
    second_threshold: float


def paired_tests(names: dict[str, Any], pairs: list[Pair], films: int) -> list[dict[str, Any]]:
    """DeLong's test of the AUCs and a test of the decisions on every evaluation set, over the seeds and by seed.

    Draws of one film are not independent. So a set with several draws of each film counts each film
    once, by its mean P(finding).

    Args:
        names: copied into every row.
        pairs: one or more, all with the same evaluation sets.
        films: number of validation films, which tells draws from films.
    """
    return [names | {"judge": name, "films": films} | _on(name, pairs, films) for name in pairs[0].first]


def _on(name: str, pairs: list[Pair], films: int) -> dict[str, Any]:
    positive = pairs[0].first[name][0][:films]
    first = np.stack([_once_per_film(pair.first[name], films) for pair in pairs])
    second = np.stack([_once_per_film(pair.second[name], films) for pair in pairs])
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


def _once_per_film(scores: tuple[np.ndarray, np.ndarray], films: int) -> np.ndarray:
    """P(finding) float (films,), the mean over the draws."""
    return scores[1].reshape(-1, films).mean(axis=0)
