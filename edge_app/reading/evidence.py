"""Where the evidence lies: the class map of the very inference that decided, as log-odds by place."""

import numpy as np

# Log-odds that are shown in the strongest colour: the 95th percentile over the places of films with
# pneumonia is 14, over those of normal films 3 (own run, the shipped model).
FULL_EVIDENCE = 15.0


def evidence_map(class_map: np.ndarray, negative_index: int, temperature: float) -> np.ndarray:
    """How much each place of the film speaks for pneumonia.

    Args:
        class_map: float32, shape (rows, columns, classes): logits by place. Their mean over rows and
            columns is what the model decided on.
    Returns:
        float64, shape (rows, columns), 0..1: the place's log-odds of pneumonia as a share of
        `FULL_EVIDENCE`; 0 where it speaks for normal.
    """
    logits = class_map.astype(np.float64) / temperature
    others = np.logaddexp.reduce(np.delete(logits, negative_index, axis=-1), axis=-1)
    return np.clip((others - logits[..., negative_index]) / FULL_EVIDENCE, 0.0, 1.0)
