"""Two models on the same films: is the one really better, or was it luck?"""

from typing import Any

import numpy as np

from train.metrics import delong_paired, mcnemar_exact

Judged = dict[str, tuple[np.ndarray, np.ndarray]]


def paired_tests(
    names: dict[str, Any], first: Judged, second: Judged, thresholds: tuple[float, float], films: int
) -> list[dict[str, Any]]:
    """DeLong's test of the AUCs and McNemar's of the decisions, on every judge.

    A judge that shows each film in several draws counts each film once, by its mean P(pneumonia):
    draws of one film are no independent witnesses.

    Args:
        names: go into every row as they are.
        first, second: name of the judge to (positive bool (films,), P(pneumonia) float (films,)).
        thresholds: on P(pneumonia), of the first model and of the second.
        films: that were held out, so that draws can be told from films.
    """
    rows = []
    for judge in first:
        positive, one = _once_a_film(*first[judge], films)
        _, other = _once_a_film(*second[judge], films)
        difference, auc_p = delong_paired(positive, one, other)
        right = [(p >= at) == positive for p, at in zip((one, other), thresholds, strict=True)]
        rows.append(
            names
            | {
                "judge": judge,
                "films": films,
                "auc_difference": difference,
                "delong_p": auc_p,
                "only_first_right": int((right[0] & ~right[1]).sum()),
                "only_second_right": int((~right[0] & right[1]).sum()),
                "mcnemar_p": mcnemar_exact(*right),
            }
        )
    return rows


def _once_a_film(positive: np.ndarray, p_pneumonia: np.ndarray, films: int) -> tuple[np.ndarray, np.ndarray]:
    return positive[:films], p_pneumonia.reshape(-1, films).mean(axis=0)
