"""The least that a model must score, and on how many films: `fit` warns below it, and `convert` refuses."""

import dataclasses
from dataclasses import dataclass

import numpy as np

FEW_FILMS, FEW_ON_A_SIDE = 200, 100  # with fewer, one film is more than the 0.5% that accuracy may lose in conversion


@dataclass(frozen=True)
class Floor:
    """What a model must reach on validation films as they are. One below it draws no useful line through them."""

    auc: float = 0.75  # 0..1; 0.5 is chance
    recall: float = 0.7  # 0..1
    specificity: float = 0.5  # 0..1

    def missed_by(self, figures: dict[str, float]) -> list[str]:
        """What is too low, in words.

        Args:
            figures: auc, recall and specificity, 0..1, perhaps among others.
        """
        needed = dataclasses.asdict(self)
        return [f"{name} {figures[name]:.4f}, {low} needed" for name, low in needed.items() if figures[name] < low]


NO_FLOOR = Floor(0.0, 0.0, 0.0)


def few_films(positive: np.ndarray) -> str:
    """Why small differences cannot be told on these films, in words; empty if they can.

    Args:
        positive: bool (films,).
    """
    films, sick = len(positive), int(np.count_nonzero(positive))
    if films >= FEW_FILMS and min(sick, films - sick) >= FEW_ON_A_SIDE:
        return ""
    return (
        f"only {films} validation films, {sick} with the finding: one film is {1 / films:.1%} of them, and small "
        f"differences cannot be told; {FEW_FILMS} with {FEW_ON_A_SIDE} on each side are needed for that"
    )
